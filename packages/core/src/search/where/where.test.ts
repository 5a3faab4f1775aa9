import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NerRetrieverError } from '../../errors.js';
import { randomNumbers } from '../../evaluation/random-numbers.js';
import { catalogFile } from '../../index/catalog/catalog.js';
import { IndexFolder } from '../../index/index-folder.js';
import type { IndexWriter } from '../../index/index-writer.js';
import { hasDocument } from '../../index/segments/document-set.js';
import { storageError } from '../../index/storage-error.js';
import type { JsonValue } from '../../text/document.js';
import { compileWhere } from './compile-where.js';
import { DocumentFilters } from './document-filters.js';
import { parseWhere } from './parse-where.js';
import type { Where, WhereOperators, WhereValue } from './where.js';

type Metadata = { [key: string]: JsonValue } | undefined;

let directory: string;
let folder: IndexFolder;
let writer: IndexWriter;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'where-'));
  const model = { name: 'm', version: '1', fingerprint: 'f', path: null };
  await IndexFolder.create(directory, { model, dimensions: 4, precision: 'int8' });
  folder = await IndexFolder.open(directory);
  writer = await folder.openWriter();
});

afterEach(async () => {
  await writer.close();
  folder.close();
  await rm(directory, { recursive: true });
});

let added = 0;

async function add(all: readonly Metadata[]): Promise<void> {
  await writer.commit(
    all.map((metadata) => {
      const id = `d${added++}`;
      return {
        document: { id, text: 'text', ...(metadata && { metadata }) },
        content: Buffer.from(id),
        mentions: [],
        vectors: new Float32Array(),
      };
    }),
  );
}

/** Places of the documents that a filter lets through; ordinals count from 1. */
async function found(where: Where, count: number, filters = new DocumentFilters()): Promise<number[]> {
  const bits = await filters.select(folder.catalog, parseWhere(where));
  return Array.from({ length: count }, (_, place) => place).filter((place) => hasDocument(bits, place + 1));
}

/** The meaning of a filter, written down as plainly as possible. */
function fits(metadata: Metadata, where: Where): boolean {
  return Object.entries(where).every(([key, value]) => {
    if (key === '$and') return (value as Where[]).every((each) => fits(metadata, each));
    if (key === '$or') return (value as Where[]).some((each) => fits(metadata, each));
    if (key === '$not') return !fits(metadata, value as Where);
    const fields = fieldsAt(metadata === undefined ? [] : [metadata], keysOf(key));
    const values = fields.flatMap((field) => (Array.isArray(field) ? field : [field]));
    const isAmong = (wanted: readonly WhereValue[]) => values.some((one) => wanted.some((other) => one === other));
    const operators: WhereOperators =
      typeof value === 'object' && value !== null ? (value as WhereOperators) : { $eq: value as WhereValue };
    return Object.entries(operators).every(([operator, operand]) => {
      const compared = (holds: (order: number) => boolean) =>
        values.some((one) => typeof one === typeof operand && holds(order(one as string | number, operand)));
      if (operator === '$eq') return isAmong([operand]);
      if (operator === '$ne') return !isAmong([operand]);
      if (operator === '$in') return isAmong(operand);
      if (operator === '$nin') return !isAmong(operand);
      if (operator === '$exists') return fields.length > 0 === operand;
      if (operator === '$gt') return compared((sign) => sign > 0);
      if (operator === '$gte') return compared((sign) => sign >= 0);
      if (operator === '$lt') return compared((sign) => sign < 0);
      return compared((sign) => sign <= 0);
    });
  });
}

function fieldsAt(values: readonly JsonValue[], keys: readonly string[]): readonly JsonValue[] {
  const [key, ...rest] = keys;
  if (key === undefined) return values;
  const objects = values.flatMap((value) => (Array.isArray(value) ? value : [value]));
  const fields = objects.flatMap((value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
      ? [value[key] as JsonValue]
      : [],
  );
  return fieldsAt(fields, rest);
}

function keysOf(path: string): string[] {
  return [...path.matchAll(/((?:\\.|[^.\\])+)(?:\.|$)/gsu)].map(([, key]) => (key as string).replace(/\\(.)/gsu, '$1'));
}

/** Order of code points, as of UTF-8 bytes. */
function order(one: string | number, other: string | number): number {
  if (typeof one === 'number' || typeof other === 'number') return Number(one) - Number(other);
  return Buffer.compare(wtf8(one), wtf8(other));
}

/** UTF-8, where half a surrogate pair is a code point as any other. */
function wtf8(text: string): Buffer {
  return Buffer.concat(
    [...text].map((character) => {
      const point = character.codePointAt(0) as number;
      if (point < 0xd800 || point > 0xdfff) return Buffer.from(character);
      return Buffer.from([0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)]);
    }),
  );
}

const keys = [
  'a',
  'b',
  'a.b',
  'a"b',
  "a'b",
  '$.a',
  '$a',
  '[0]',
  '0',
  'a\\',
  '\u0000',
  '\u0000b',
  'é',
  '🦖',
  '"',
  '); DROP',
];
// biome-ignore format: a list to read
const scalars: readonly WhereValue[] = [
  null, true, false, 0, 1, -1, 1.5, 0.1, 1e21, 1e-7, 5e-324, 2 ** 53, 123456.789012345,
  '', '0', '1', 'true', 'null', '[]', '{"a":1}', 'a', 'b', 'B', 'é', 'e\u0301', '🦖', '\uffff', 'a\u0000', 'a\u0000b', '\ud800', "'", '"', '%',
];
const path = (parts: readonly string[]) => parts.map((key) => key.replace(/[.\\]|^\$/g, '\\$&')).join('.');

describe('a filter lets through what its meaning says', () => {
  test.each([1, 2, 3, 4, 5, 6])('random filters over random documents (seed %i)', async (seed) => {
    const random = randomNumbers(seed);
    const draw = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const some = <T>(make: () => T, most: number) => Array.from({ length: Math.floor(random() * (most + 1)) }, make);
    const number = () => (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20);
    const numbers = some(number, 40);
    const scalar = (): WhereValue => (numbers.length > 0 && random() < 0.2 ? draw(numbers) : draw(scalars));
    // Few keys a seed, so that filters and documents meet.
    const own = [...some(() => draw(keys), 5), 'a', 'b'];
    const value = (depth: number): JsonValue => {
      if (depth === 0 || random() < 0.4) return scalar();
      return random() < 0.5 ? some(() => value(depth - 1), 3) : object(depth - 1);
    };
    const object = (depth: number): { [key: string]: JsonValue } =>
      Object.fromEntries(some(() => [draw(own), value(depth)], 4));
    const documents = Array.from({ length: 300 }, () => (random() < 0.1 ? undefined : object(3)));
    await add(documents);

    const operator = (): WhereOperators => {
      const ordered = draw(scalars.filter((each) => typeof each === 'string' || typeof each === 'number'));
      return draw<WhereOperators>([
        { $eq: scalar() },
        { $ne: scalar() },
        { $in: some(scalar, 4) },
        { $nin: some(scalar, 4) },
        { $exists: random() < 0.5 },
        { $gt: ordered },
        { $gte: ordered },
        { $lt: ordered },
        { $lte: ordered, $ne: scalar() },
      ]);
    };
    const filter = (depth: number): Where => {
      const kind = depth === 0 ? 1 : random();
      if (kind < 0.2) return { $and: [filter(depth - 1), filter(depth - 1)] };
      if (kind < 0.4) return { $or: [filter(depth - 1), filter(depth - 1)] };
      if (kind < 0.6) return { $not: filter(depth - 1) };
      const fields = [[draw(own)], [draw(own), draw(own)], [draw(own), draw(own), draw(own)]];
      return Object.fromEntries(some(() => [path(draw(fields)), random() < 0.3 ? scalar() : operator()] as const, 2));
    };
    let between = 0;
    for (let round = 0; round < 300; round += 1) {
      const where = filter(2);
      const expected = documents.flatMap((metadata, place) => (fits(metadata, where) ? [place] : []));
      expect(await found(where, documents.length), JSON.stringify(where)).toEqual(expected);
      if (expected.length > 0 && expected.length < documents.length) between += 1;
    }
    expect(between).toBeGreaterThan(40);
  });

  const books: readonly Metadata[] = [
    { lang: 'en', year: 1995, tags: ['x', 'y'], author: { name: 'Ada' } },
    { lang: 'de', year: 2005, tags: 'x', authors: [{ name: 'Ada' }, { name: 'Grace' }] },
    { lang: null, year: '2005', 'author.name': 'Ada' },
    undefined,
  ];
  test.each<[Where, number[]]>([
    [{}, [0, 1, 2, 3]],
    [{ lang: 'en' }, [0]],
    [{ lang: null }, [2]],
    [{ lang: { $ne: 'en' } }, [1, 2, 3]],
    [{ lang: { $nin: ['en', 'de'] } }, [2, 3]],
    [{ lang: { $in: [] } }, []],
    [{ lang: { $exists: true } }, [0, 1, 2]],
    [{ year: { $gte: 2000, $lt: 2010 } }, [1]],
    [{ year: { $gte: '2000' } }, [2]],
    [{ tags: 'x' }, [0, 1]],
    [{ tags: { $ne: 'y' } }, [1, 2, 3]],
    [{ 'author.name': 'Ada' }, [0]],
    [{ 'author\\.name': 'Ada' }, [2]],
    [{ 'authors.name': 'Grace' }, [1]],
    [{ 'tags.0': 'x' }, []],
    [{ $or: [{ lang: 'en' }, { year: 2005 }] }, [0, 1]],
    [{ $and: [{ tags: 'x' }, { tags: 'y' }] }, [0]],
    [{ $not: { tags: 'x' } }, [2, 3]],
  ])('%j', async (where, expected) => {
    await add(books);
    expect(await found(where, books.length)).toEqual(expected);
    expect(books.flatMap((metadata, place) => (fits(metadata, where) ? [place] : []))).toEqual(expected);
  });

  test('the largest filter that is taken is one that SQLite takes', async () => {
    await add([{ a: { a: 1 } }, { a: 'x' }]);
    const long = Array<string>(16).fill('a').join('.');
    const deep = Array.from({ length: 20 }).reduce<Where>((inner) => ({ $not: { $and: [inner] } }), { a: 'x' });
    expect(await found({ $or: Array.from({ length: 199 }, () => ({ [long]: 1 })) }, 2)).toEqual([]);
    expect(() => parseWhere(deep)).toThrow(/at most 20 filters inside each other/);
    const half = Array.from({ length: 20 }).reduce<Where>((inner) => ({ $not: inner }), { a: 'x' });
    expect(await found({ $or: [...Array(90).fill({ [long]: 1 }), { a: 'x' }] }, 2)).toEqual([1]);
    expect(await found(half, 2)).toEqual([1]);
    expect(await found({ a: { $in: Array.from({ length: 50_000 }, (_, number) => number) } }, 2)).toEqual([]);
  });
});

describe('a filter that comes again', () => {
  test('looks at newer documents only, and is right', async () => {
    const filters = new DocumentFilters();
    await add([{ lang: 'en' }, { lang: 'de' }]);
    expect(await found({ lang: 'en' }, 2, filters)).toEqual([0]);
    await add(Array.from({ length: 5000 }, (_, number) => ({ lang: number % 3 === 0 ? 'en' : 'fr' })));
    const expected = [0, ...Array.from({ length: 5000 }, (_, number) => number + 2).filter((place) => place % 3 === 2)];
    expect(await found({ lang: 'en' }, 5002, filters)).toEqual(expected);
    expect(await found({ lang: 'en' }, 5002, filters)).toEqual(expected);
    expect(await found({ lang: 'en' }, 5002)).toEqual(expected);
  });

  test('a hundred others do not stay in memory, nor in its way', async () => {
    const filters = new DocumentFilters();
    await add([{ number: 7 }]);
    for (let number = 0; number < 100; number += 1) {
      expect(await found({ number }, 1, filters)).toEqual(number === 7 ? [0] : []);
    }
    expect(await found({ number: 7 }, 1, filters)).toEqual([0]);
  });
});

test.each([
  ['cut short', Buffer.from('{"a":')],
  ['other fields', Buffer.from('{"a":1}')],
  ['bytes that are no text', Buffer.from([0xff, 0x00, 0xfe])],
  ['empty', Buffer.alloc(0)],
  ['a number', 12],
  ['text', '"text"'],
  ['none', null],
])('damaged metadata (%s) is an error, not an answer', async (_, metadata) => {
  await add([{ a: 1 }, { a: 2 }]);
  const database = new Database(join(directory, catalogFile));
  database.prepare('UPDATE documents SET metadata = ? WHERE ordinal = 2').run([metadata]);
  database.close();
  const error = await found({ a: 1 }, 2).catch((cause: unknown) => storageError(cause, directory));
  expect(NerRetrieverError.isInstance(error) && error.code).toBe('INDEX_DAMAGED');
});

test('a record that is gone is an error, not a document less', async () => {
  await add([{ a: 1 }, { a: 2 }]);
  const database = new Database(join(directory, catalogFile));
  database.exec('DELETE FROM documents WHERE ordinal = 2');
  database.close();
  const error = await found({ a: 1 }, 2).catch((cause: unknown) => storageError(cause, directory));
  expect(NerRetrieverError.isInstance(error) && error.message).toMatch(/counts 2 documents and has 1/);
});

test('keys and values are parameters, never part of the statement', () => {
  const { sql, values } = compileWhere(parseWhere({ "x') OR 1=1 --": { $in: ["'; DROP TABLE documents; --"] } }));
  expect(sql).not.toMatch(/DROP|1=1/);
  expect(values.join()).toMatch(/DROP.*1=1|1=1.*DROP/);
});

describe('refuses what is no filter, and says where', () => {
  test.each<[unknown, string, RegExp]>([
    ['lang=en', 'OPTION_INVALID', /an object of fields and what they must be for where, but received string lang=en/],
    [[], 'OPTION_INVALID', /for where, but received an array/],
    [null, 'OPTION_INVALID', /for where, but received null/],
    [{ year: { $gtee: 1 } }, 'OPTION_UNKNOWN', /Unknown option "\$gtee" for where\.year\. Expected one of: \$eq, \$ne/],
    [{ $nor: [] }, 'OPTION_UNKNOWN', /"\$nor" for where\. Expected one of: \$and, \$or, \$not/],
    [{ $or: [] }, 'OPTION_INVALID', /at least one filter for where\.\$or/],
    [{ $or: [{}, { 'a b': ['x'] }] }, 'OPTION_INVALID', /for where\.\$or\[1\]\["a b"\], but received an array of 1/],
    [{ $not: [{}] }, 'OPTION_INVALID', /for where\.\$not/],
    [
      { author: { name: 'Ada' } },
      'OPTION_INVALID',
      /after a dot \("author\.name"\) for where\.author, but received the field "name"/,
    ],
    [{ year: {} }, 'OPTION_INVALID', /at least one operator for where\.year/],
    [
      { year: { $gte: true } },
      'OPTION_INVALID',
      /a number or a string for where\.year\.\$gte, but received boolean true/,
    ],
    [{ year: { $gte: Number.NaN } }, 'OPTION_INVALID', /a number or a string/],
    [{ year: Number.POSITIVE_INFINITY }, 'OPTION_INVALID', /for where\.year/],
    [{ year: { $in: 2000 } }, 'OPTION_INVALID', /an array of values for where\.year\.\$in/],
    [{ year: { $in: [1, {}] } }, 'OPTION_INVALID', /for where\.year\.\$in\[1\]/],
    [{ year: { $exists: 1 } }, 'OPTION_INVALID', /true or false for where\.year\.\$exists/],
    [{ 'a..b': 1 }, 'OPTION_INVALID', /keys with a dot between them for where\["a\.\.b"\]/],
    [{ 'a\\': 1 }, 'OPTION_INVALID', /behind the backslash/],
    [{ [Array(17).fill('a').join('.')]: 1 }, 'OPTION_INVALID', /at most 16 keys/],
    [{ $or: Array(300).fill({ a: 1 }) }, 'OPTION_INVALID', /at most 200 conditions for where/],
    [{ $or: Array.from({ length: 5 }).reduce<object>((inner) => ({ $not: inner }), {}) }, 'OPTION_INVALID', /\$or/],
    [new Date(), 'OPTION_INVALID', /for where/],
  ])('%j', (where, code, message) => {
    let error: unknown;
    try {
      parseWhere(where);
    } catch (thrown) {
      error = thrown;
    }
    expect(NerRetrieverError.isInstance(error) && error.code).toBe(code);
    expect((error as Error).message).toMatch(message);
  });
});
