import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Embedder, ProjectionHead } from '@ner-retriever/core';
import { collectTaps } from '@ner-retriever/core/training';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { LabelledCorpus } from '../evaluation/labelled-corpus.js';

const tinyModel = fileURLToPath(new URL('../../../../test/fixtures/tiny-model', import.meta.url));
const words = {
  food: ['apple', 'bread', 'cheese'],
  tool: ['hammer', 'saw', 'drill'],
  animal: ['otter', 'heron', 'mole'],
};

/** Sentences about things of three types, and one mention that no text has. */
const corpus: LabelledCorpus = {
  name: 'by hand',
  types: Object.keys(words).map((type) => ({ type, query: type, other: false })),
  documents: Object.entries(words).flatMap(([type, names]) =>
    Array.from({ length: 12 }, (_, i) => {
      const name = names[i % 3] as string;
      const text = `Number ${i} saw the ${name} there.`;
      const start = text.indexOf(name);
      const mention = { start, end: start + name.length, types: [type] };
      // Twice the same span, with another type: one mention of both. And an empty one, which has no token.
      const twice =
        i === 0
          ? [
              { ...mention, types: ['thing'] },
              { start: 3, end: 3, types: [type] },
            ]
          : [];
      return { id: `${type} ${i}`, text, mentions: [mention, ...twice] };
    }),
  ),
};

let folder = '';
let embedder: Embedder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-train-head-'));
  embedder = await Embedder.open(tinyModel, { workers: 1 });
});
afterAll(async () => {
  await embedder.close();
  await rm(folder, { recursive: true, force: true });
});

test('the vectors are the embedder’s own, with unusable mentions left out and repeats as one', async () => {
  const taps = await collectTaps(corpus, embedder);
  expect(taps.mentions).toHaveLength(36);
  expect(taps.mentions[0]).toEqual({ document: 0, types: [0] });
  const types = await embedder.embedTypes(['food', 'tool', 'animal'], { raw: true });
  const { matrix } = await embedder.embedMentions(
    corpus.documents.map(({ text, mentions }) => ({ text, mentions: mentions.slice(0, 1) })),
    { raw: true },
  );
  expect(taps.vectors).toEqual({ rows: 39, columns: 32, data: Float32Array.of(...types.data, ...matrix.data) });
});

test('vectors that are kept are not computed again, unless the file is damaged or something else was read', async () => {
  const cache = join(folder, 'cache');
  const reads = vi.spyOn(embedder, 'embedMentions');
  const first = await collectTaps(corpus, embedder, { cache });
  expect(reads).toHaveBeenCalledTimes(1);
  expect(await collectTaps(corpus, embedder, { cache })).toEqual(first);
  expect(reads).toHaveBeenCalledTimes(1);

  // Labels are not in it: other types of the same mentions need no reading.
  const relabelled = {
    ...corpus,
    documents: corpus.documents.map((document) => ({
      ...document,
      mentions: document.mentions.map((mention) => ({ ...mention, types: ['tool'] })),
    })),
  };
  expect((await collectTaps(relabelled, embedder, { cache })).mentions.every(({ types }) => types[0] === 1)).toBe(true);
  expect(reads).toHaveBeenCalledTimes(1);

  const file = join(cache, (await readdir(cache))[0] as string);
  const whole = await readFile(file);
  for (const at of [3, 9, 40, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] as number) ^ 4;
    await writeFile(file, damaged);
    expect(await collectTaps(corpus, embedder, { cache })).toEqual(first);
    expect(await readFile(file)).toEqual(whole);
  }
  await writeFile(file, whole.subarray(0, -1));
  expect(await collectTaps(corpus, embedder, { cache })).toEqual(first);
  expect(reads).toHaveBeenCalledTimes(6);

  const shorter = { ...corpus, documents: corpus.documents.slice(1) };
  await collectTaps(shorter, embedder, { cache });
  expect(reads).toHaveBeenCalledTimes(7);
  expect(await readdir(cache)).toHaveLength(2);
  reads.mockRestore();
});

test('ProjectionHead.train gives a head that is saved, loaded and used like any other', async () => {
  const onReading = vi.fn();
  const options = {
    epochs: 40,
    learningRate: 5e-3,
    hiddenDimensions: 24,
    outputDimensions: 8,
    batchSize: 8,
    heldOutTypes: 0,
  };
  const { head, report } = await ProjectionHead.train(corpus, { ...options, embedder, gate: true, onReading });
  expect(onReading).toHaveBeenLastCalledWith(expect.objectContaining({ documents: 36, totalDocuments: 36 }));
  expect(report).toMatchObject({ trainedTypes: 3, examples: 36, parameters: 32 + 24 * 32 + 24 + 8 * 24 + 8 });
  expect(report.epochs.at(-1)?.loss).toBeLessThan((report.epochs[0]?.loss as number) / 2);

  const file = join(folder, 'head.safetensors');
  await head.save(file);
  const loaded = await ProjectionHead.load(file);
  expect([loaded.inputDimensions, loaded.outputDimensions]).toEqual([32, 8]);
  const types = await embedder.embedTypes(['food', 'tool', 'animal'], { raw: true });
  const projected = await head.project(types);
  expect(await loaded.project(types)).toEqual(projected);

  // What was taught: each mention is nearest to the name of its type.
  const taps = await collectTaps(corpus, embedder);
  const { data } = await head.project(taps.vectors);
  const cosine = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < 8; i++) sum += (data[a * 8 + i] as number) * (data[b * 8 + i] as number);
    return sum;
  };
  const right = taps.mentions.filter(({ types: [own] }, mention) =>
    [0, 1, 2].every((type) => type === own || cosine(own as number, 3 + mention) > cosine(type, 3 + mention)),
  );
  // Of 36; by chance it would be 12, and some words end in the same token.
  expect(right.length).toBeGreaterThan(26);
});

test('options are checked before anything is read', async () => {
  const reads = vi.spyOn(embedder, 'embedTypes');
  const train = (options: object) => ProjectionHead.train(corpus, { embedder, ...options } as never);
  await expect(train({ epoch: 3 })).rejects.toMatchObject({ code: 'OPTION_UNKNOWN' });
  await expect(train({ epochs: -1 })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  await expect(train({ embedder: {} })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  await expect(train({ cache: 7 })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  expect(reads).not.toHaveBeenCalled();
  reads.mockRestore();
  const empty = { ...corpus, documents: [] };
  await expect(ProjectionHead.train(empty, { embedder })).rejects.toMatchObject({ code: 'TRAINING_DATA_TOO_SMALL' });
});
