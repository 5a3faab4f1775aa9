import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.js';
import { packRows } from './pack-rows.js';
import type { Precision } from './precision.js';
import { segmentColumns } from './segment-columns.js';
import { type SegmentBlock, SegmentIndex } from './segment-index.js';

const precisions: Precision[] = ['float32', 'bfloat16', 'int8'];

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'segments-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** Small integers: every product and sum is exact in every precision, so that ties are ties. */
function randomIntegers(length: number, most: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 16) % (2 * most + 1)) - most;
  });
}

/** Documents of one to three rows. */
function documentsOf(rows: number, first: number): Uint32Array {
  let document = first;
  return Uint32Array.from({ length: rows }, (_, row) => (row === 0 || (row * 7) % 3 === 0 ? document : ++document));
}

/** The files of one segment, as a writer appends to them. */
class Segment {
  readonly files: string[];

  constructor(
    readonly precision: Precision,
    readonly dimensions: number,
  ) {
    const folder = mkdtempSync(join(root, 'segment-'));
    this.files = segmentColumns(precision, dimensions).map(({ name }) => join(folder, name));
    for (const file of this.files) writeFileSync(file, '');
  }

  async append(vectors: Float32Array, documents: Uint32Array): Promise<SegmentBlock> {
    const { columns, checksums, longest } = await packRows(this.precision, this.dimensions, vectors, documents);
    for (const [place, file] of this.files.entries()) appendFileSync(file, columns[place] as Uint8Array);
    return { rows: documents.length, checksums, longest };
  }
}

/** An index of one segment with one block. */
async function indexOf(
  precision: Precision,
  dimensions: number,
  vectors: Float32Array,
  documents: Uint32Array,
): Promise<{ index: SegmentIndex; segment: Segment; block: SegmentBlock }> {
  const segment = new Segment(precision, dimensions);
  const block = await segment.append(vectors, documents);
  const index = new SegmentIndex({ dimensions, precision, threads: 2 });
  await index.map(segment.files, [block]);
  return { index, segment, block };
}

interface Hit {
  readonly row: number;
  readonly score: number;
}

/** Each document's best row, best first: every row, one after the other. */
function reference(
  vectors: Float32Array,
  documents: Uint32Array,
  query: Float32Array,
  allowed: (document: number, row: number) => boolean = () => true,
): Hit[] {
  const best = new Map<number, Hit>();
  documents.forEach((document, row) => {
    if (!allowed(document, row)) return;
    const score = query.reduce((sum, value, i) => sum + value * (vectors[row * query.length + i] as number), 0);
    const before = best.get(document);
    if (before === undefined || score > before.score) best.set(document, { row, score });
  });
  return [...best.values()].sort((a, b) => b.score - a.score || a.row - b.row);
}

const hitsOf = (rows: Uint32Array, scores: Float32Array): Hit[] =>
  Array.from(rows, (row, place) => ({ row, score: scores[place] as number }));

/** The hits of each query. */
async function hitsOfSearch(index: SegmentIndex, ...call: Parameters<SegmentIndex['search']>): Promise<Hit[][]> {
  const { limit, scores, rows, counts } = await index.search(...call);
  return Array.from(counts, (count, query) =>
    hitsOf(rows.subarray(query * limit, query * limit + count), scores.subarray(query * limit, query * limit + count)),
  );
}

function bitmapOf(documents: Iterable<number>, bytes: number): Uint8Array {
  const bitmap = new Uint8Array(bytes);
  for (const document of documents) bitmap[document >> 3] = (bitmap[document >> 3] as number) | (1 << (document % 8));
  return bitmap;
}

const damage = (file: string | undefined, reason: RegExp) =>
  expect.objectContaining({ code: 'SEGMENT_DAMAGED', file, reason: expect.stringMatching(reason) });

describe.each(precisions)('%s', (precision) => {
  test.each([
    [1, 1, 1],
    [30, 8, 2],
    [3000, 24, 3],
    [900, 130, 40],
  ])('%i rows of %i dimensions, %i queries, over two segments that grew', async (count, dimensions, queryCount) => {
    const vectors = randomIntegers(count * dimensions, 3, count);
    const documents = documentsOf(count, 5);
    const queries = randomIntegers(queryCount * dimensions, 3, 99);
    const index = new SegmentIndex({ dimensions, precision, threads: 2 });

    // Blocks end where a document does: rows of one document lie in one segment, and are appended together.
    const ends = [0.2, 0.5, 0.8, 1].map((share) => {
      let end = Math.ceil(count * share);
      while (end < count && documents[end] === documents[end - 1]) end++;
      return end;
    });
    const segments = [new Segment(precision, dimensions), new Segment(precision, dimensions)];
    let begin = 0;
    for (const [place, end] of ends.entries()) {
      const segment = segments[place >> 1] as Segment;
      if (end > begin) {
        const rows = vectors.subarray(begin * dimensions, end * dimensions);
        await index.map(segment.files, [await segment.append(rows, documents.subarray(begin, end))]);
      }
      expect(index.rows).toBe(end);
      begin = end;
    }
    const rowBytes = segmentColumns(precision, dimensions).reduce((sum, column) => sum + column.rowBytes, 0);
    expect(index.bytes).toBe(count * rowBytes);

    const query = (q: number) => queries.subarray(q * dimensions, (q + 1) * dimensions);
    const expected = Array.from({ length: queryCount }, (_, q) => reference(vectors, documents, query(q)));
    expect(await hitsOfSearch(index, queries, 7)).toEqual(expected.map((hits) => hits.slice(0, 7)));
    expect(await hitsOfSearch(index, queries, 10 * count)).toEqual(expected);

    const ranking = await index.rank(query(0));
    expect(hitsOf(ranking.rows, ranking.scores)).toEqual(expected[0]);
    const minScore = expected[0]?.[count >> 2]?.score as number;
    const least = await index.rank(query(0), { minScore });
    expect(hitsOf(least.rows, least.scores)).toEqual(expected[0]?.filter(({ score }) => score >= minScore));

    const firstRow = count >> 1;
    const allowed = new Set(documents.filter((document) => document % 3 !== 0));
    const bitmap = bitmapOf(allowed, ((documents.at(-1) as number) >> 3) + 1);
    const selected = (q: number, from: number) =>
      reference(vectors, documents, query(q), (document, row) => allowed.has(document) && row >= from);
    expect(await hitsOfSearch(index, queries, 9, { documents: bitmap, firstRow })).toEqual(
      expected.map((_, q) => selected(q, firstRow).slice(0, 9)),
    );
    const ofSelected = await index.rank(query(0), { documents: bitmap });
    expect(hitsOf(ofSelected.rows, ofSelected.scores)).toEqual(selected(0, 0));
    expect(await hitsOfSearch(index, query(0), 3, { documents: new Uint8Array(0) })).toEqual([[]]);
    expect((await index.rank(query(0), { documents: new Uint8Array(0) })).rows).toHaveLength(0);

    const chosen = Uint32Array.of(0, count - 1, count >> 1);
    const scores = await index.scores(queries, chosen);
    expect([...scores]).toEqual(
      Array.from({ length: queryCount }, (_, q) =>
        [...chosen].map((row) =>
          query(q).reduce((sum, value, i) => sum + value * (vectors[row * dimensions + i] as number), 0),
        ),
      ).flat(),
    );

    expect(await index.vectors(0, count)).toEqual(vectors);
    expect(await index.vectors(count - 1, 1)).toEqual(vectors.subarray((count - 1) * dimensions));
    expect(await index.vectors(count, 0)).toHaveLength(0);

    const located = index.locate(Uint32Array.from({ length: count }, (_, row) => row));
    expect(located.documents).toEqual(documents);
    expect([...located.firstRows]).toEqual([...documents].map((document) => documents.indexOf(document)));
    expect([...located.counts]).toEqual(
      [...documents].map((document) => documents.lastIndexOf(document) - documents.indexOf(document) + 1),
    );
    await index.close();
  });

  test('a search sees a finished map whole and nothing of one under way', async () => {
    const [dimensions, blocks, rows] = [4, 60, 40];
    const vectors = randomIntegers(blocks * rows * dimensions, 20, 8);
    const documents = Uint32Array.from({ length: blocks * rows }, (_, row) => row);
    const query = Float32Array.of(1, -2, 3, 4);
    // After 0, 1, 2 … blocks.
    const expected = Array.from({ length: blocks + 1 }, (_, i) =>
      reference(vectors, documents.subarray(0, i * rows), query).slice(0, 10),
    );

    const segment = new Segment(precision, dimensions);
    const index = new SegmentIndex({ dimensions, precision, threads: 1 });
    const searches: Promise<void>[] = [];
    const maps: Promise<void>[] = [];
    for (let begin = 0; begin < vectors.length; begin += rows * dimensions) {
      const first = begin / dimensions;
      const documentsOfBlock = documents.subarray(first, first + rows);
      const block = await segment.append(vectors.subarray(begin, begin + rows * dimensions), documentsOfBlock);
      maps.push(index.map(segment.files, [block]));
      const atLeast = index.rows;
      searches.push(
        hitsOfSearch(index, query, 10).then(([hits]) => {
          expect(expected.slice(atLeast / rows)).toContainEqual(hits);
        }),
      );
    }
    await Promise.all([...maps, ...searches]);
    expect(await hitsOfSearch(index, query, 10)).toEqual([expected.at(-1)]);
    await index.close();
  });

  test('every flipped byte of a column is found', async () => {
    const vectors = randomIntegers(6 * 5, 9, 3);
    const segment = new Segment(precision, 5);
    const blocks = [
      await segment.append(vectors.subarray(0, 10), Uint32Array.of(0, 1)),
      await segment.append(vectors.subarray(10), Uint32Array.of(1, 2, 2, 4)),
    ];
    for (const [place, file] of segment.files.entries()) {
      const bytes = readFileSync(file);
      const rowBytes = bytes.length / 6;
      for (let at = 0; at < bytes.length; at++) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
        writeFileSync(file, flipped);
        const index = new SegmentIndex({ dimensions: 5, precision, threads: 1 });
        const row = Math.floor(at / rowBytes);
        if (precision === 'int8' && place === 0) {
          await index.map(segment.files, blocks);
          const found = damage(file, new RegExp(`row ${row} `));
          await expect(index.vectors(0, 6)).rejects.toEqual(found);
          await expect(index.scores(new Float32Array(5), Uint32Array.of(row))).rejects.toEqual(found);
          await expect(index.rank(new Float32Array(5))).rejects.toEqual(found);
          expect(await index.vectors(row === 0 ? 1 : 0, 1)).toHaveLength(5);
        } else {
          const found = damage(
            file,
            row < 2 ? /checksum of block 0 \(rows 0 to 1\)/ : /checksum of block 1 \(rows 2 to 5\)/,
          );
          await expect(index.map(segment.files, blocks)).rejects.toEqual(found);
          expect(index.rows).toBe(0);
          expect(index.bytes).toBe(0);
        }
        await index.close();
      }
      writeFileSync(file, bytes);
    }
  });

  test('a file that is cut is found, at every length', async () => {
    const segment = new Segment(precision, 3);
    const block = await segment.append(randomIntegers(9, 9, 3), Uint32Array.of(0, 1, 2));
    for (const file of segment.files) {
      const bytes = readFileSync(file);
      for (let length = 0; length < bytes.length; length++) {
        writeFileSync(file, bytes.subarray(0, length));
        const index = new SegmentIndex({ dimensions: 3, precision });
        const found = damage(file, new RegExp(`expected at least ${bytes.length} bytes, got ${length}$`));
        await expect(index.map(segment.files, [block])).rejects.toEqual(found);
        await index.close();
      }
      writeFileSync(file, bytes);
    }
  });

  test('a mapped file that is cut is found before it is read, and nothing crashes', async () => {
    const { index, segment } = await indexOf(precision, 3, randomIntegers(9, 9, 3), Uint32Array.of(0, 1, 2));
    const query = new Float32Array(3);
    for (const file of [...segment.files].reverse()) {
      truncateSync(file, 3);
      const found = damage(file, /too short/);
      // An earlier column that was cut too would be named first.
      await expect(index.search(query, 1)).rejects.toEqual(found);
      await expect(index.rank(query)).rejects.toEqual(found);
      await expect(index.scores(query, Uint32Array.of(1))).rejects.toEqual(found);
      await expect(index.vectors(0, 1)).rejects.toEqual(found);
      expect(() => index.locate(Uint32Array.of(1))).toThrow(damage(file, /too short/));
    }
    await index.close();
  });

  test('a failed map adds nothing, and the index goes on', async () => {
    const vectors = randomIntegers(9, 9, 3);
    const { index, segment, block } = await indexOf(precision, 3, vectors, Uint32Array.of(0, 1, 2));
    const before = await hitsOfSearch(index, vectors, 3);
    const next = await segment.append(vectors, Uint32Array.of(5, 6, 7));
    const wrong = {
      ...next,
      checksums: next.checksums.map((checksum) => checksum ^ 1).map((checksum) => checksum >>> 0),
    };
    await expect(index.map(segment.files, [next, wrong])).rejects.toThrow('too short');
    await expect(index.map(segment.files, [wrong])).rejects.toEqual(
      damage(segment.files[precision === 'int8' ? 1 : 0], /checksum of block 1 \(rows 3 to 5\)/),
    );
    expect(index.rows).toBe(block.rows);
    expect(await hitsOfSearch(index, vectors, 3)).toEqual(before);
    await index.map(segment.files, [next]);
    expect(index.rows).toBe(6);
    await index.close();
  });
});

describe('what the numbers of a column say', () => {
  /** Maps rows of one dimension that were packed, one column of them overwritten, with fitting checksums. */
  async function mapAltered(
    precision: Precision,
    place: number,
    altered: Uint8Array,
    longest?: number,
  ): Promise<string> {
    const vectors = Float32Array.of(1, 2, 3);
    const segment = new Segment(precision, 1);
    const block = await segment.append(vectors, Uint32Array.of(0, 1, 2));
    writeFileSync(segment.files[place] as string, altered);
    const checksums = block.checksums.map((checksum, at) => (at === place ? crc32c(altered) : checksum));
    const index = new SegmentIndex({ dimensions: 1, precision });
    const failure = await index.map(segment.files, [{ rows: 3, checksums, longest: longest ?? block.longest }]).then(
      () => ({ code: undefined, file: '', reason: '' }),
      (cause: { code: string; file: string; reason: string }) => cause,
    );
    await index.close();
    if (failure.code === undefined) return 'mapped';
    expect(failure.code).toBe('SEGMENT_DAMAGED');
    return `${segment.files.indexOf(failure.file)}: ${failure.reason}`;
  }
  const documents = (...ordinals: number[]) => new Uint8Array(Uint32Array.of(...ordinals).buffer);
  const floats = (...values: number[]) => new Uint8Array(Float32Array.of(...values).buffer);

  test('documents rise', async () => {
    expect(await mapAltered('float32', 1, documents(4, 4, 4))).toBe('mapped');
    expect(await mapAltered('float32', 1, documents(0, 2, 1))).toBe(
      '1: documents do not rise: the document of row 2 is 1 after 2',
    );
    expect(await mapAltered('float32', 1, documents(0, 1, 2 ** 32 - 2))).toBe('mapped');
    expect(await mapAltered('float32', 1, documents(0, 1, 2 ** 32 - 1))).toMatch(
      /^1: the document of row 2 is 4294967295/,
    );
  });

  test('scales, errors and the longest row are such as the bound can stand on', async () => {
    for (const wrong of [NaN, Infinity, -1]) {
      expect(await mapAltered('int8', 3, floats(0.001, wrong, 0.001))).toMatch(/^3: the scale of row 1/);
    }
    for (const wrong of [NaN, -1]) {
      expect(await mapAltered('int8', 4, floats(0, 0, wrong))).toMatch(/^4: the error of row 2/);
    }
    expect(await mapAltered('int8', 4, floats(0, 0, Infinity))).toBe('mapped');
    const codes = Uint8Array.of(127, 127, 127);
    expect(await mapAltered('int8', 2, codes, 3.1)).toBe('mapped');
    for (const longest of [2.9, 0, -1, NaN]) {
      expect(await mapAltered('int8', 2, codes, longest)).toMatch(
        /^2: the length of row \d is \d\.\d+, above .*block 0/,
      );
    }
  });

  test('over blocks and segments documents rise too, and one lies in one segment', async () => {
    const first = new Segment('float32', 1);
    const index = new SegmentIndex({ dimensions: 1, precision: 'float32' });
    const vectors = Float32Array.of(1, 2);
    await index.map(first.files, [await first.append(vectors, Uint32Array.of(3, 4))]);
    await index.map(first.files, [await first.append(vectors, Uint32Array.of(4, 6))]);
    await expect(
      first.append(vectors, Uint32Array.of(5, 6)).then((block) => index.map(first.files, [block])),
    ).rejects.toEqual(damage(first.files[1], /row 4 is 5 after 6/));
    for (const document of [5, 6]) {
      const second = new Segment('float32', 1);
      await expect(
        second.append(vectors, Uint32Array.of(document, 9)).then((block) => index.map(second.files, [block])),
      ).rejects.toEqual(damage(second.files[1], new RegExp(`row 0 is ${document} after 6`)));
    }
    const third = new Segment('float32', 1);
    await index.map(third.files, [await third.append(vectors, Uint32Array.of(7, 9))]);
    expect([...index.locate(Uint32Array.of(1, 2, 4)).counts]).toEqual([2, 2, 1]);
    await index.close();
  });
});

describe('files', () => {
  test('one that is missing is named with the system’s code', async () => {
    const segment = new Segment('float32', 1);
    const block = await segment.append(Float32Array.of(1), Uint32Array.of(0));
    const index = new SegmentIndex({ dimensions: 1, precision: 'float32' });
    for (const place of [0, 1]) {
      const files = segment.files.with(place, join(root, 'not-there'));
      await expect(index.map(files, [block])).rejects.toMatchObject({ code: 'ENOENT', path: join(root, 'not-there') });
    }
    const within = join(segment.files[0] as string, 'below-a-file');
    await expect(index.map([within, within], [block])).rejects.toMatchObject({ code: 'ENOTDIR', path: within });
    await index.close();
  });

  test('a folder and a pipe are no column', async () => {
    const folder = join(root, 'folder');
    mkdirSync(folder);
    const pipe = join(root, 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    const index = new SegmentIndex({ dimensions: 1, precision: 'float32' });
    for (const file of [folder, pipe]) {
      await expect(index.map([file, file], [{ rows: 1, checksums: [0, 0], longest: 0 }])).rejects.toEqual(
        damage(file, /no regular file/),
      );
    }
    await index.close();
  });

  test('one that is replaced stays mapped as it was, and does not grow into the other', async () => {
    const vectors = Float32Array.of(1, 2, 3);
    const { index, segment } = await indexOf('float32', 1, vectors, Uint32Array.of(0, 1, 2));
    const file = segment.files[0] as string;
    renameSync(file, `${file}.old`);
    writeFileSync(file, new Uint8Array(64));
    writeFileSync(segment.files[1] as string, new Uint8Array(64), { flag: 'a' });
    expect(await index.vectors(0, 3)).toEqual(vectors);
    await expect(index.map(segment.files, [{ rows: 1, checksums: [0, 0], longest: 0 }])).rejects.toEqual(
      damage(file, /another file/),
    );
    rmSync(`${file}.old`);
    expect(await index.vectors(0, 3)).toEqual(vectors);
    await index.close();
  });

  test('what a writer appends, and has not recorded, is not seen', async () => {
    const { index, segment } = await indexOf('bfloat16', 1, Float32Array.of(1), Uint32Array.of(0));
    await segment.append(Float32Array.of(5), Uint32Array.of(1));
    expect((await index.search(Float32Array.of(1), 10)).rows).toHaveLength(1);
    await index.close();
  });
});

test('an empty index finds nothing', async () => {
  const index = new SegmentIndex({ dimensions: 3, precision: 'int8' });
  expect(await index.search(new Float32Array(6), 10)).toEqual({
    limit: 0,
    scores: new Float32Array(0),
    rows: new Uint32Array(0),
    counts: new Uint32Array(2),
  });
  expect(await index.rank(new Float32Array(3))).toEqual({ scores: new Float32Array(0), rows: new Uint32Array(0) });
  expect(await index.vectors(0, 0)).toHaveLength(0);
  await index.map(
    segmentColumns('int8', 3).map(({ name }) => join(root, name)),
    [],
  );
  expect([index.rows, index.bytes]).toEqual([0, 0]);
  await index.close();
});

test('minScore is compared as the number that it is', async () => {
  const { index } = await indexOf('float32', 1, Float32Array.of(0.1, 0.5, NaN), Uint32Array.of(0, 1, 2));
  const count = async (minScore: number) => (await index.rank(Float32Array.of(1), { minScore })).rows.length;
  const tenth = Math.fround(0.1);
  expect(await Promise.all([tenth, tenth + 1e-12, tenth - 1e-12, 0.5, 1e300, -1e300].map(count))).toEqual([
    2, 1, 2, 1, 0, 2,
  ]);
  expect((await index.rank(Float32Array.of(1))).rows).toEqual(Uint32Array.of(1, 0, 2));
  expect(await count(-Infinity)).toBe(3);
  await index.close();
});

test('wrong arguments are refused, and the index goes on working', async () => {
  expect(() => new SegmentIndex({ dimension: 3 } as never)).toThrow(
    "dimensions, precision, threads, device, got 'dimension'",
  );
  expect(() => new SegmentIndex({ dimensions: 3, precision: 'int4' as 'int8' })).toThrow("got 'int4'");
  expect(() => new SegmentIndex({ dimensions: 65537, precision: 'int8' })).toThrow(RangeError);
  expect(() => new SegmentIndex({ dimensions: 3, precision: 'int8', threads: 0 })).toThrow(RangeError);

  const { index, segment, block } = await indexOf('float32', 3, new Float32Array(6), Uint32Array.of(0, 1));
  const query = new Float32Array(3);
  const documents = Uint32Array.of(0);
  const refused: [() => Promise<unknown>, string | RegExp][] = [
    [() => index.search(new Float32Array(4), 1), 'whole number of rows of 3, got 4'],
    [() => index.search(query, 0), 'limit to be an integer from 1'],
    [() => index.search(query, 1.5), 'limit to be an integer from 1'],
    [() => index.search([1, 2, 3] as never, 1), 'queries to be a Float32Array'],
    [() => index.search(query, 1, { documents: documents as never }), 'documents to be a Uint8Array'],
    [() => index.search(query, 1, { firstRow: -1 }), 'firstRow to be an integer'],
    [() => index.rank(new Float32Array(6)), 'a query of 3 dimensions, got 6'],
    [() => index.rank(query, { minScore: NaN }), 'got NaN'],
    [() => index.rank(query, { minScore: '1' as never }), 'minScore to be a number'],
    [() => index.rank(query, { documents: new Uint8Array(new SharedArrayBuffer(1)) }), 'shared memory'],
    [() => index.scores(query, Uint32Array.of(2)), 'rows below 2, got 2'],
    [() => index.scores(query, new Int32Array(1) as never), 'rows to be a Uint32Array'],
    [() => index.scores(query, new Uint32Array(new ArrayBuffer(4, { maxByteLength: 8 }))), 'a resizable one'],
    [() => index.vectors(1, 2), 'rows below 2, got 2 from 1 on'],
    [() => index.vectors(3, 0), 'rows below 2, got 0 from 3 on'],
    [() => index.vectors(-1, 1), 'firstRow to be an integer'],
    [async () => index.locate(Uint32Array.of(0, 2)), 'rows below 2, got 2'],
    [async () => index.locate([0] as never), 'rows to be a Uint32Array'],
    [() => index.map(segment.files.slice(1), [block]), 'the files of 2 columns, from vectors to documents, got 1'],
    [() => index.map(segment.files, [{ ...block, checksums: [1] }]), '2 checksums of a block'],
    [() => index.map(segment.files, [{ ...block, checksums: [1, -1] }]), 'checksums to be an integer'],
    [() => index.map(segment.files, [{ ...block, rows: 0 }]), 'rows to be an integer from 1'],
    [() => index.map(segment.files, [block, { ...block, rows: 2 ** 32 - 2 }]), 'fewer than 2^32 rows'],
    [() => index.map(segment.files, [{ ...block, longest: '1' as never }]), 'longest to be a number'],
    [() => index.map(segment.files, block as never), 'blocks to be an array'],
    [() => index.map('vectors' as never, [block]), 'files to be an array'],
    [() => index.map(['a\0b', 'c'], [block]), 'a null character'],
  ];
  for (const [call, words] of refused) {
    const failure = await call().then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(failure, call.toString()).toSatisfy((cause) => cause instanceof RangeError || cause instanceof TypeError);
    expect((failure as Error).message).toMatch(words);
  }
  const detached = new Uint32Array(1);
  structuredClone(detached, { transfer: [detached.buffer] });
  expect(() => index.locate(detached)).toThrow('a detached array');
  expect((await index.search(query, 1)).counts).toEqual(Uint32Array.of(1));
  await index.close();
});

test('close() waits for the calls under way and refuses later ones', async () => {
  const [dimensions, count] = [32, 20_000];
  const vectors = randomIntegers(count * dimensions, 5, 6);
  const { index, segment } = await indexOf('float32', dimensions, vectors, documentsOf(count, 0));
  const more = await segment.append(vectors.subarray(0, dimensions), Uint32Array.of(1 << 20));
  const answered: string[] = [];
  const calls = [
    index.search(vectors.subarray(0, 400 * dimensions), 5).then(() => answered.push('search')),
    index.map(segment.files, [more]).then(() => answered.push('map')),
    index.vectors(0, count).then(() => answered.push('vectors')),
  ];
  const closed = index.close();
  const closedToo = index.close();
  const refused = index.search(vectors.subarray(0, dimensions), 1);
  await expect(refused).rejects.toMatchObject({ code: 'CLOSED' });
  await closed;
  expect(answered.sort()).toEqual(['map', 'search', 'vectors']);
  await Promise.all([...calls, closedToo]);
  expect(mappingsOf(segment.files)).toBe(0);
  for (const call of [() => index.rows, () => index.bytes, () => index.locate(new Uint32Array(0))]) {
    expect(call).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  }
  for (const call of [
    index.map([], []),
    index.rank(vectors),
    index.scores(vectors, new Uint32Array(1)),
    index.vectors(0, 1),
  ]) {
    await expect(call).rejects.toMatchObject({ code: 'CLOSED' });
  }
});

/** How often this process maps files of these names, by the system's own list. */
const mappingsOf = (files: readonly string[]) =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => files.some((file) => line.includes(file))).length;

test('indexes that are opened, grown and closed leave no descriptor and no mapping', async () => {
  const segment = new Segment('int8', 4);
  const blocks = [];
  for (let i = 0; i < 3; i++) {
    blocks.push(
      await segment.append(
        randomIntegers(40, 9, i),
        Uint32Array.from({ length: 10 }, (_, row) => i * 10 + row),
      ),
    );
  }
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  for (let round = 0; round < 300; round++) {
    const index = new SegmentIndex({ dimensions: 4, precision: 'int8' });
    for (const block of blocks) await index.map(segment.files, [block]);
    await index.search(new Float32Array(4), 2);
    await expect(index.map(segment.files, blocks.slice(0, 1))).rejects.toThrow('too short');
    if (round === 0) {
      expect(mappingsOf(segment.files)).toBe(6);
      expect(descriptors()).toBe(before + 6);
    }
    await index.close();
  }
  expect(mappingsOf(segment.files)).toBe(0);
  expect(descriptors()).toBe(before);
});

test('several worker threads map the same files and agree', async () => {
  const dimensions = 16;
  const vectors = randomIntegers(3000 * dimensions, 9, 1);
  const { index, segment, block } = await indexOf('int8', dimensions, vectors, documentsOf(3000, 0));
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}).then(async ({ SegmentIndex }) => {
      const index = new SegmentIndex({ dimensions: ${dimensions}, precision: 'int8' });
      await index.map(workerData.files, [workerData.block]);
      const answers = [];
      for (let i = 0; i < 20; i++) answers.push((await index.search(workerData.queries, 5)).rows);
      parentPort.postMessage(answers);
    });`;
  const queries = vectors.slice(0, 3 * dimensions);
  const { rows } = await index.search(queries, 5);
  const answers = await Promise.all(
    Array.from(
      { length: 4 },
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(source, { eval: true, workerData: { files: segment.files, block, queries } });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  for (const answer of answers) expect(answer).toEqual(Array.from({ length: 20 }, () => rows));
  await index.close();
});

/** A process of its own, for what would end this one or change it. */
function runScenario(
  name: string,
  before: string,
  ...flags: string[]
): { status: number | null; stdout: string; stderr: string } {
  const file = fileURLToPath(new URL(`../test/scenarios/${name}.mjs`, import.meta.url));
  const command = `${before} exec "$0" "$@"`;
  return spawnSync('sh', ['-c', command, process.execPath, ...flags, file, root], {
    encoding: 'utf8',
    timeout: 50_000,
  });
}

test.each([
  ['terminate-during-segment-search', '', []],
  ['drop-segment-indexes', '', ['--expose-gc']],
  ['too-many-files', 'ulimit -n 60;', []],
])('%s leaves the process alive and nothing mapped', (scenario, before, flags) => {
  const { status, stdout, stderr } = runScenario(scenario, before, ...flags);
  expect(stderr).toBe('');
  expect(stdout).toBe('alive\n');
  expect(status).toBe(0);
});
