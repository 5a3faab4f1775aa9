import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { externalDataLocations, externalDataLocationsOf } from './external-data-locations.js';
import { openModelFolder } from './model-folder.js';
import { bytesInMemory } from './onnx/byte-source.js';

const fixture = fileURLToPath(new URL('../../../../test/fixtures/tiny-model/', import.meta.url));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'model-'));
  await cp(fixture, directory, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true }));

type Description = Record<string, unknown> & { files: Record<string, unknown> };

/** Changes model.json and opens the folder. */
async function opened(change: (description: Description) => void) {
  const path = join(directory, 'model.json');
  const description = JSON.parse(await readFile(path, 'utf8'));
  change(description);
  await writeFile(path, JSON.stringify(description));
  return openModelFolder(directory);
}

describe('a model folder', () => {
  test('opens, and knows its files', async () => {
    const model = await openModelFolder(directory);
    expect(model.description.pooling).toBe('last');
    expect(model.path('encoder.onnx')).toBe(join(directory, 'encoder.onnx'));
    expect(model.fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test('has the same fingerprint elsewhere, under another name and with another detector threshold or cut-off', async () => {
    const { fingerprint } = await openModelFolder(fixture);
    const changed = await opened((description) => {
      Object.assign(description, {
        name: 'other',
        license: 'CC0',
        detector: { labels: ['O', 'B', 'I'], threshold: 0.1 },
      });
      Object.assign(description.cutOff as object, { intercept: 3 });
    });
    expect(changed.fingerprint).toBe(fingerprint);
    expect(changed.description.cutOff?.intercept).toBe(3);
    const without = await opened((description) => delete description.cutOff);
    expect(without.fingerprint).toBe(fingerprint);
    expect(without.description).not.toHaveProperty('cutOff');
  });

  test.each([
    ['pooling', (d: Description) => Object.assign(d, { pooling: 'mean' })],
    ['maximumTokens', (d: Description) => Object.assign(d, { maximumTokens: 64 })],
    ['tap', (d: Description) => Object.assign(d.tap as object, { block: 2 })],
    ['head', (d: Description) => Object.assign(d, { head: null })],
  ])('has another fingerprint with another %s', async (_, change) => {
    const { fingerprint } = await openModelFolder(fixture);
    expect((await opened(change)).fingerprint).not.toBe(fingerprint);
  });
});

describe('what is wrong with a folder is said', () => {
  test('no folder, no model.json', async () => {
    await expect(openModelFolder(join(directory, 'none'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  test('no JSON', async () => {
    await writeFile(join(directory, 'model.json'), '{"format": 1');
    await expect(openModelFolder(directory)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  test.each([
    ['another format', 'MODEL_FORMAT_UNKNOWN', /format 2/, (d: Description) => Object.assign(d, { format: 2 })],
    ['no name', 'MODEL_INVALID', /name/, (d: Description) => delete d.name],
    [
      'an unknown pooling',
      'MODEL_INVALID',
      /last, first, mean/,
      (d: Description) => Object.assign(d, { pooling: 'max' }),
    ],
    [
      'a threshold beyond 1',
      'MODEL_INVALID',
      /threshold/,
      (d: Description) => Object.assign(d.detector as object, { threshold: 7 }),
    ],
    [
      'a detector without its output',
      'MODEL_INVALID',
      /detector/,
      (d: Description) => Object.assign(d, { detector: null }),
    ],
    ['an encoder that is not listed', 'MODEL_INVALID', /files/, (d: Description) => delete d.files['encoder.onnx']],
    [
      'a path that leaves the folder',
      'MODEL_PATH_OUTSIDE',
      /\.\.\/head/,
      (d: Description) => Object.assign(d, { head: '../head' }),
    ],
    [
      'an absolute path',
      'MODEL_PATH_OUTSIDE',
      /etc/,
      (d: Description) => Object.assign(d.files, { '/etc/passwd': {} }),
    ],
    [
      'a Windows path',
      'MODEL_PATH_OUTSIDE',
      /secret/,
      (d: Description) => Object.assign(d, { tokenizer: '..\\secret' }),
    ],
    [
      'no SHA-256',
      'MODEL_INVALID',
      /sha256/,
      (d: Description) => Object.assign(d.files['head.safetensors'] as object, { sha256: 'x' }),
    ],
  ])('%s', async (_, code, message, change) => {
    await expect(opened(change)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test.each([
    ['intercept', '-10'],
    ['scoreWeight', 0],
    ['backgroundWeight', undefined],
    ['typeShare', 0],
    ['typeShare', 1],
    ['typeShareWeight', 1.1],
  ])('%s of the cut-off is %j', async (field, value) => {
    await expect(opened((d) => Object.assign(d.cutOff as object, { [field]: value }))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      details: { field: `cutOff.${field}`, expected: expect.stringMatching(/^a number/) },
    });
  });

  test('a cut-off that is no object', async () => {
    const refused = opened((description) => Object.assign(description, { cutOff: null }));
    await expect(refused).rejects.toMatchObject({ code: 'MODEL_INVALID', details: { field: 'cutOff' } });
  });

  test('a file that is missing, cut off, or another', async () => {
    await truncate(join(directory, 'encoder.onnx'), 100);
    await expect(openModelFolder(directory)).rejects.toMatchObject({
      code: 'MODEL_FILE_CHANGED',
      details: expect.objectContaining({ file: 'encoder.onnx', received: '100 bytes' }),
    });
    await rm(join(directory, 'encoder.onnx'));
    await expect(openModelFolder(directory)).rejects.toMatchObject({ code: 'MODEL_FILE_MISSING' });

    await cp(fixture, directory, { recursive: true });
    const head = await readFile(join(directory, 'head.safetensors'));
    head[head.length - 1] = (head.at(-1) as number) ^ 1;
    await writeFile(join(directory, 'head.safetensors'), head);
    await expect(openModelFolder(directory)).rejects.toMatchObject({
      code: 'MODEL_FILE_CHANGED',
      message: expect.stringContaining('SHA-256'),
    });
  });
});

describe('external data', () => {
  /** Protobuf: a field of bytes. */
  const field = (number: number, ...content: readonly Uint8Array[]) => {
    const bytes = Buffer.concat(content);
    return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
  };
  const varint = (value: number): Buffer =>
    value < 128 ? Buffer.of(value) : Buffer.concat([Buffer.of((value % 128) + 128), varint(Math.floor(value / 128))]);
  const tensor = (location: string) =>
    Buffer.concat([
      Buffer.of(0x10, 1),
      field(9, Buffer.alloc(300, 0x6a)),
      field(13, field(1, Buffer.from('offset')), field(2, Buffer.from('4096'))),
      field(13, field(1, Buffer.from('location')), field(2, Buffer.from(location))),
    ]);

  test('is found wherever a graph keeps tensors', () => {
    const graph = Buffer.concat([
      field(5, tensor('weights.bin')),
      field(1, field(5, field(5, tensor('../constant')))),
      field(1, field(5, field(6, field(5, tensor('/inner'))))),
      field(15, field(1, tensor('sparse'))),
    ]);
    const model = Buffer.concat([
      Buffer.of(8, 9),
      field(7, graph),
      field(25, field(7, field(5, field(10, tensor('f'))))),
    ]);
    expect(externalDataLocations(bytesInMemory(model))).toEqual([
      'weights.bin',
      '../constant',
      '/inner',
      'sparse',
      'f',
    ]);
  });

  test('of a graph without any is none', async () => {
    expect(externalDataLocationsOf(join(fixture, 'encoder.onnx'))).toEqual([]);
  });

  test('outside what model.json lists is refused', async () => {
    const { createHash } = await import('node:crypto');
    const bytes = field(7, field(5, tensor('../../etc/passwd')));
    await writeFile(join(directory, 'encoder.onnx'), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const refused = opened((d) => Object.assign(d.files, { 'encoder.onnx': { bytes: bytes.length, sha256 } }));
    await expect(refused).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('etc/passwd'),
    });
  });

  test('is not looked for beyond the end of a broken file', async () => {
    const whole = field(7, field(5, tensor('weights.bin')));
    for (let length = 1; length < whole.length; length++) {
      expect(() => externalDataLocations(bytesInMemory(whole.subarray(0, length)))).toThrow(RangeError);
    }
    expect(() => externalDataLocations(bytesInMemory(Buffer.alloc(20, 0xff)))).toThrow(RangeError);
  });
});
