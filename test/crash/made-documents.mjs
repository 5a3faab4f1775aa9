// Documents without an encoder: what one is made of follows from its id and a version.
import { seededRandom } from './random.mjs';

const words = ['dinosaur', 'opera', 'river', 'the', 'who', 'café', 'car', 'plain', 'word', 'quartz'];
const languages = ['en', 'de', 'fr'];

/**
 * What a writer commits of a document. Vectors are small whole numbers: many exact ties, and scores without rounding in every
 * precision.
 *
 * @param {string} id
 * @param {number} version
 * @param {number} dimensions
 * @returns {import('../../packages/core/dist/index/index-writer.js').IndexEntry}
 */
export function madeEntry(id, version, dimensions) {
  const random = seededRandom(hash(`${id} ${version}`));
  const text = Array.from({ length: 8 + random(30) }, () => words[random(words.length)]).join(' ');
  const rows = random(16) === 0 ? 0 : 1 + random(4);
  return {
    document: { id, text, metadata: { lang: languages[random(3)], version } },
    content: Buffer.from(`${id} ${version}`),
    mentions: Array.from({ length: rows }, (_, row) => ({ start: row, end: row + 2, text: text.slice(row, row + 2) })),
    vectors: madeVectors(random, rows, dimensions),
  };
}

/** [rows, dimensions] */
export function madeVectors(random, rows, dimensions) {
  return Float32Array.from({ length: rows * dimensions }, () => random(3) - 1);
}

function hash(text) {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}
