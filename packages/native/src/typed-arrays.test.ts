import { expect, test } from 'vitest';
import { crc32c } from './crc32c.js';
import { FaissIndex } from './faiss-index.js';
import { info } from './info.js';
import { packRows } from './pack-rows.js';
import { poolSpans } from './pool-spans.js';
import { Projection } from './projection.js';
import { SegmentIndex } from './segment-index.js';
import { VectorIndex } from './vector-index.js';

// Every function that takes an array, on memory that may change or go while it is read.

const projection = new Projection([], 2);
const index = new VectorIndex({ dimensions: 2 });
await index.add(Float32Array.of(1, 2));
const segments = new SegmentIndex({ dimensions: 2, precision: 'float32' });
const faiss = info().faiss.available ? FaissIndex.create({ factory: 'Flat', dimensions: 2 }) : undefined;

const takers: Record<string, (array: Float32Array) => unknown> = {
  'poolSpans, rows': (array) => poolSpans(array, 2, new Int32Array(0), 'last'),
  'poolSpans, spans': (array) => poolSpans(new Float32Array(2), 2, new Int32Array(array.buffer), 'last'),
  crc32c: (array) => crc32c(new Uint8Array(array.buffer)),
  'Projection, weight': (array) => new Projection([{ weight: array, bias: new Float32Array(1) }], 2),
  'Projection, bias': (array) => new Projection([{ weight: new Float32Array(4), bias: array }], 2),
  project: (array) => projection.project(array),
  projectSync: (array) => projection.projectSync(array),
  'projectSpans, rows': (array) => projection.projectSpans(array, new Int32Array(0), 'last'),
  'index.add': (array) => index.add(array),
  'index.search': (array) => index.search(array, 1),
  packRows: (array) => packRows('int8', 2, array, new Uint32Array(1)),
  'segments.search': (array) => segments.search(array, 1),
  'segments.rank': (array) => segments.rank(array),
  'segments.scores': (array) => segments.scores(array, new Uint32Array(0)),
  ...(faiss && {
    'faiss.train': (array) => faiss.train(array),
    'faiss.add': (array) => faiss.add(array),
    'faiss.search': (array) => faiss.search(array, 1),
  }),
};

const cases = Object.entries(takers).map(([name, take]) => ({ name, take }));

test.each(cases)('$name refuses shared memory', async ({ take }) => {
  const shared = new Float32Array(new SharedArrayBuffer(8));
  await expect((async () => take(shared))()).rejects.toThrow(/TypeError|shared memory/);
});

test.each(cases)('$name refuses a resizable buffer', async ({ take }) => {
  const resizable = new Float32Array(new ArrayBuffer(8, { maxByteLength: 16 }));
  await expect((async () => take(resizable))()).rejects.toThrow('a fixed ArrayBuffer, got a resizable one');
});

test.each(cases.filter(({ name }) => !/spans|crc32c/.test(name)))(
  '$name refuses a detached array',
  async ({ take }) => {
    const detached = new Float32Array(2);
    structuredClone(detached, { transfer: [detached.buffer] });
    await expect((async () => take(detached))()).rejects.toThrow('a detached array (it was transferred)');
  },
);

test('so do spans and bytes that were detached', () => {
  const spans = new Int32Array(2);
  const bytes = new Uint8Array(2);
  structuredClone([spans, bytes], { transfer: [spans.buffer, bytes.buffer] });
  expect(() => poolSpans(new Float32Array(2), 2, spans, 'last')).toThrow('a detached array');
  expect(() => crc32c(bytes)).toThrow('a detached array');
});

test.each([undefined, null, [1, 2], new Float64Array(2), new DataView(new ArrayBuffer(8)), new Float32Array(2).buffer])(
  '%o is no Float32Array',
  async (wrong) => {
    for (const take of [
      takers.project,
      takers.projectSync,
      takers['index.add'],
      takers['index.search'],
      takers.packRows,
      takers['segments.search'],
    ]) {
      const call = (async () => take?.(wrong as never))();
      await expect(call).rejects.toThrow('to be a Float32Array');
      await expect(call).rejects.toBeInstanceOf(TypeError);
    }
  },
);
