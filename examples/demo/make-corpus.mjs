// Makes corpus.jsonl.gz: 3,000 texts of at most 1,000 characters from Wikipedia articles given as JSON Lines ({id, title, text}) on standard input.
//   cat articles.jsonl | node make-corpus.mjs | gzip -9n > corpus.jsonl.gz
// Most are drawn at random; the rest so that a reader meets the entities that the demo asks for among them: a random
// sample of 3,000 articles holds no operatic soprano.
import { createInterface } from 'node:readline';

const size = 3000;
const maximumLength = 1000;
const wanted = [
  'dinosaur',
  'soprano',
  'automobile manufacturer',
  'volcano',
  'cheese',
  'cathedral',
  'programming language',
  'space telescope',
  'goddess',
  'mathematician',
];
const perWanted = 30;

/** Small seeded generator (mulberry32), so that the same articles give the same corpus. Returns [0, 1). */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The article's beginning, cut behind the last whole sentence that fits. */
function beginning(text) {
  const plain = text.replace(/\s*\n\s*(References|See also|External links)\.?\s*$/, '').trim();
  if (plain.length <= maximumLength) return plain;
  const cut = plain.slice(0, maximumLength);
  const end = Math.max(cut.lastIndexOf('. '), cut.lastIndexOf('.\n'));
  return end > 200 ? cut.slice(0, end + 1) : cut.slice(0, cut.lastIndexOf(' '));
}

const random = randomNumbers(20261123);

/** Reservoir sampling: every article offered has the same chance to stay. */
class Reservoir {
  kept = [];
  seen = 0;
  constructor(capacity) {
    this.capacity = capacity;
  }
  offer(article) {
    this.seen += 1;
    if (this.kept.length < this.capacity) this.kept.push(article);
    else {
      const place = Math.floor(random() * this.seen);
      if (place < this.capacity) this.kept[place] = article;
    }
  }
}

const anywhere = new Reservoir(size);
const about = new Map(wanted.map((word) => [word, new Reservoir(perWanted)]));
for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  const article = JSON.parse(line);
  const text = beginning(article.text);
  if (text.length < 120) continue;
  const document = { id: article.title, text, metadata: { page: Number(article.id) } };
  anywhere.offer(document);
  const lead = text.slice(0, 200);
  for (const [word, reservoir] of about) if (lead.includes(word)) reservoir.offer(document);
}

const chosen = new Map();
for (const reservoir of about.values()) for (const document of reservoir.kept) chosen.set(document.id, document);
for (const document of anywhere.kept) if (chosen.size < size) chosen.set(document.id, document);
const documents = [...chosen.values()].sort((a, b) => a.metadata.page - b.metadata.page);
process.stdout.write(documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
