// What do combined descriptions bring, and with which weights? Examples beside a description, types that are excluded, two descriptions at once.
//   node bench/combined-descriptions.mjs DATASET:FILE[,FILE…]…
// as silver:benchmark.jsonl multiconer2:en-train.conll,en-dev.conll
import { Embedder } from '@ner-retriever/core';
import {
  macroMean,
  readLabelledJsonLines,
  readMulticoner2,
  readSilver,
  rPrecision,
} from '@ner-retriever/core/evaluation';
import { randomNumbers } from '../packages/core/dist/evaluation/random-numbers.js';
import { combineVectors } from '../packages/core/dist/search/type-query/combine-vectors.js';
import { saveResult } from './save-result.mjs';

const readers = { silver: readSilver, jsonl: readLabelledJsonLines, multiconer2: readMulticoner2 };
/** Types of fewer documents tell little once examples are taken out; pairs of types have fewer. */
const fewestDocuments = 12;
const fewestOfPair = 8;
const draws = 2;
/** As users write them: 1 is the default. */
const exampleWeights = [0.5, 1, 1.5, 2];
const aloneWeights = [0.2, 0.4, 1];
const notWeights = [0, 0.5, 1, 1.5, 2, 3];

/** Figures of several kinds, to be averaged. */
class Figures {
  #values = new Map();

  note(kind, value) {
    this.#values.set(kind, [...(this.#values.get(kind) ?? []), value]);
  }

  count() {
    return Math.max(0, ...[...this.#values.values()].map(({ length }) => length));
  }

  means() {
    return Object.fromEntries([...this.#values].map(([kind, values]) => [kind, Number(macroMean(values).toFixed(4))]));
  }
}

await using embedder = await Embedder.open();
const results = [];
for (const argument of process.argv.slice(2)) {
  const [dataset, files] = argument.split(':');
  const corpus = await embed(await readers[dataset](files.split(',')));
  const measured = { examples: examples(corpus), not: exclusions(corpus), and: await conjunctions(corpus) };
  for (const [kind, rows] of Object.entries(measured)) {
    console.log(`\n${dataset}: ${kind}`);
    console.table(rows);
  }
  results.push({ dataset, types: corpus.types.length, ...measured });
}
saveResult('combined-descriptions', { draws, results });

/** A corpus with the vectors of its mentions (in their sentences, and alone) and of its types. */
async function embed({ documents, types }) {
  const { matrix, documents: embedded } = await embedder.embedMentions(documents, { mentions: 'given' });
  const mentions = embedded.flatMap((own, document) =>
    own.mentions.map(({ start, end, text }) => {
      const labels = documents[document].mentions.filter((each) => each.start === start && each.end === end);
      return { document, text, types: new Set(labels.flatMap((each) => each.types)) };
    }),
  );
  const alone = await embedder.embedTypes(mentions.map(({ text }) => text));
  const corpus = { documentCount: documents.length, mentions, inSentence: matrix, alone };
  const kept = types.filter(({ type, other }) => !other && relevantTo(corpus, type).size >= fewestDocuments);
  const named = await embedder.embedTypes(kept.map(({ query }) => query));
  return { ...corpus, types: kept.map(({ type, query }, row) => ({ type, query, vector: rowOf(named, row) })) };
}

/** Examples are drawn from documents that then do not count; R-Precision on the rest. */
function examples(corpus) {
  const random = randomNumbers(1);
  return [1, 3, 5].map((count) => {
    const figures = new Figures();
    for (const { type, vector } of corpus.types) {
      for (let draw = 0; draw < draws; draw++) {
        const drawn = drawExamples(corpus, type, count, random);
        const taken = new Set(drawn.map((row) => corpus.mentions[row].document));
        const relevant = new Set([...relevantTo(corpus, type)].filter((document) => !taken.has(document)));
        const note = (kind, parts) => {
          const ranking = rank(corpus, combined(parts)).filter(({ document }) => !taken.has(document));
          figures.note(kind, rPrecision(documentsOf(ranking), relevant));
        };
        const all = weighted([vector], 1);
        const vectors = (matrix) => drawn.map((row) => rowOf(matrix, row));
        note('description alone', { all });
        note('examples alone', { examples: weighted(vectors(corpus.inSentence), 1) });
        for (const weight of exampleWeights)
          note(`in sentence ${weight}`, { all, examples: weighted(vectors(corpus.inSentence), weight) });
        for (const weight of aloneWeights)
          note(`mention only ${weight}`, { all, examples: weighted(vectors(corpus.alone), weight) });
      }
    }
    return { examples: count, ...figures.means() };
  });
}

/**
 * A type without those that come up instead of it most often: R-Precision on documents with a mention of it that is of none of those,
 * and the share of those among as many first hits.
 */
function exclusions(corpus) {
  return [1, 3].flatMap((count) => {
    const figures = new Figures();
    const intruding = new Figures();
    for (const { type, vector } of corpus.types) {
      const excluded = mistakenFor(corpus, type, vector).slice(0, count);
      const isExcluded = ({ types }) => excluded.some((other) => types.has(other.type));
      const relevant = relevantTo(corpus, type, (mention) => !isExcluded(mention));
      if (excluded.length < count || relevant.size < fewestOfPair) continue;
      const note = (kind, weight) => {
        const not = weighted(
          excluded.map((other) => other.vector),
          weight,
        );
        const ranking = rank(corpus, combined({ all: weighted([vector], 1), not }));
        figures.note(kind, rPrecision(documentsOf(ranking), relevant));
        const intruders = ranking.slice(0, relevant.size).filter(({ mention }) => isExcluded(mention));
        intruding.note(kind, intruders.length / relevant.size);
      };
      for (const weight of notWeights) note(`weight ${weight}`, weight);
      if (count > 1) note('sum instead of mean', count);
    }
    const what = { excluded: count, types: figures.count() };
    return [
      { ...what, measure: 'R-Precision', ...figures.means() },
      { ...what, measure: 'excluded types among the hits', ...intruding.means() },
    ];
  });
}

/** Two types that mentions have at once: their mean, the lower of two scores, and both in words. */
async function conjunctions(corpus) {
  const figures = new Figures();
  for (const [place, one] of corpus.types.entries()) {
    for (const other of corpus.types.slice(place + 1)) {
      const relevant = relevantTo(corpus, one.type, ({ types }) => types.has(other.type));
      if (relevant.size < fewestOfPair) continue;
      const note = (kind, scores) => figures.note(kind, rPrecision(documentsOf(ranked(corpus, scores)), relevant));
      const scores = [one, other].map(({ vector }) => scoresOf(corpus, vector));
      note('one of the two', scores[0]);
      note('the other', scores[1]);
      note('both', scoresOf(corpus, combined({ all: weighted([one.vector, other.vector], 1) })));
      note(
        'the lower of two scores',
        scores[0].map((score, row) => Math.min(score, scores[1][row])),
      );
      note('"A and B"', scoresOf(corpus, (await embedder.embedTypes([`${one.query} and ${other.query}`])).data));
    }
  }
  return [{ pairs: figures.count(), ...figures.means() }];
}

/** The types of the best mentions, in documents that stand where those of `type` should. */
function mistakenFor(corpus, type, vector) {
  const first = rank(corpus, vector).slice(0, relevantTo(corpus, type).size);
  const wrong = first.filter(({ mention }) => !mention.types.has(type));
  const count = (other) => wrong.filter(({ mention }) => mention.types.has(other.type)).length;
  return corpus.types
    .map((other) => ({ ...other, count: count(other) }))
    .filter((other) => other.count > 0)
    .sort((one, other) => other.count - one.count);
}

/** Rows of mentions of a type, of as many documents. */
function drawExamples({ mentions }, type, count, random) {
  const rows = mentions.flatMap(({ types }, row) => (types.has(type) ? [row] : []));
  const drawn = new Map();
  while (drawn.size < count) {
    const row = rows[Math.floor(random() * rows.length)];
    if (!drawn.has(mentions[row].document)) drawn.set(mentions[row].document, row);
  }
  return [...drawn.values()];
}

function relevantTo({ mentions }, type, holds = () => true) {
  return new Set(
    mentions.filter((mention) => mention.types.has(type) && holds(mention)).map(({ document }) => document),
  );
}

function weighted(vectors, weight) {
  return vectors.map((vector) => ({ vector, weight }));
}

function combined({ all = [], not = [], examples = [] }) {
  return combineVectors({ all, not, examples }, (all[0] ?? examples[0]).vector.length);
}

function rank(corpus, vector) {
  return ranked(corpus, scoresOf(corpus, vector));
}

/** Documents with their best mentions, best first. */
function ranked({ documentCount, mentions }, scores) {
  const best = new Int32Array(documentCount).fill(-1);
  for (const [row, { document }] of mentions.entries()) {
    if (best[document] < 0 || scores[row] > scores[best[document]]) best[document] = row;
  }
  return [...best]
    .filter((row) => row >= 0)
    .sort((one, other) => scores[other] - scores[one] || one - other)
    .map((row) => ({ document: mentions[row].document, mention: mentions[row] }));
}

function scoresOf({ inSentence: { rows, columns, data } }, vector) {
  const scores = new Float32Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    let [even, odd] = [0, 0];
    for (let column = 0; column < columns; column += 2) {
      even += data[at++] * vector[column];
      odd += data[at++] * vector[column + 1];
    }
    scores[row] = even + odd;
  }
  return scores;
}

function documentsOf(ranking) {
  return ranking.map(({ document }) => document);
}

function rowOf({ columns, data }, row) {
  return data.subarray(row * columns, (row + 1) * columns);
}
