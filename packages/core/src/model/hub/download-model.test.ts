import { createHash } from 'node:crypto';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HubServer } from '../../../test-support/hub-server.js';
import { type DownloadModelOptions, downloadModel, downloadPreparedModel } from './download-model.js';
import type { DownloadProgress } from './hub-repository.js';

const commit = '0123456789abcdef0123456789abcdef01234567';
const token = 'hf_aSecretThatNobodyElseMaySee';
const id = 'tiny-org/tiny-model';

let hub: HubServer;
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'hub-'));
  hub = new HubServer();
  await hub.open();
  for (const name of Object.keys(process.env)) if (/^(HF_|HUGGING|XDG_CACHE)/.test(name)) vi.stubEnv(name, undefined);
  vi.stubEnv('HF_HOME', home);
  vi.stubEnv('HF_ENDPOINT', `${hub.endpoint}/`);
  vi.stubEnv('HF_TOKEN', token);
  hub.repositories[id] = { commit, files: exported() };
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(home, { recursive: true });
});

const weights = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 24));
const folder = () => join(home, 'hub', 'models--tiny-org--tiny-model');
const blobs = () => readdir(join(folder(), 'blobs'));
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** An uncut model with all that such repositories hold. */
function exported(): { [path: string]: Buffer | string } {
  return {
    'config.json': '{"model_type": "llama"}',
    'tokenizer.json': JSON.stringify({ model: { vocab: Array.from({ length: 40 }, (_, i) => `word ${i}`) } }),
    'tokenizer_config.json': '{}',
    'README.md': '# Tiny',
    'pytorch_model.bin': 'never asked for',
    'onnx/model.onnx': graph('model.onnx_data', './model.onnx_data_1'),
    'onnx/model.onnx_data': weights,
    'onnx/model.onnx_data_1': Buffer.from('more weights'),
    'onnx/model_fp16.onnx': graph(),
    'onnx/model_int8.onnx': graph('int8.onnx.data'),
    'onnx/int8.onnx.data': Buffer.from('int8'),
  };
}

/** The protobuf of an ONNX graph whose tensors lie in other files. */
function graph(...locations: string[]): Buffer {
  const field = (number: number, content: Buffer | string) => {
    const bytes = Buffer.from(content);
    return Buffer.concat([Buffer.from([8 * number + 2, bytes.length]), bytes]);
  };
  const tensors = locations.map((location) =>
    field(5, field(13, Buffer.concat([field(1, 'location'), field(2, location)]))),
  );
  return Buffer.concat([Buffer.from([58, ...varint(Buffer.concat(tensors).length)]), ...tensors]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

async function refused(source = id, options: DownloadModelOptions = {}) {
  const error = await downloadModel(source, options).then(
    () => expect.unreachable('it should be refused'),
    (reason) => reason,
  );
  expect(`${error.message}${JSON.stringify(error.details)}`).not.toContain(token);
  expect(error.message).not.toContain('signature');
  return error;
}

describe('of an exported model', () => {
  test('comes what is needed, once, into the layout of the hub client', async () => {
    const progress: DownloadProgress[] = [];
    const model = await downloadModel(id, { onProgress: (one) => progress.push(one) });
    expect(model).toEqual({
      directory: join(folder(), 'snapshots', commit),
      onnx: 'onnx/model.onnx',
      source: `${id}@${commit}`,
      note: null,
    });
    expect((await readdir(model.directory, { recursive: true })).sort()).toEqual([
      'config.json',
      'onnx',
      'onnx/model.onnx',
      'onnx/model.onnx_data',
      'onnx/model.onnx_data_1',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(await readFile(join(model.directory, 'onnx/model.onnx_data'))).toEqual(weights);
    expect(await readlink(join(model.directory, 'onnx/model.onnx_data'))).toBe(join('../../../blobs', sha256(weights)));
    expect(await readFile(join(folder(), 'refs/main'), 'utf8')).toBe(commit);
    expect(progress.at(-1)).toMatchObject({ file: 'onnx/model.onnx_data_1', receivedBytes: 12, totalBytes: 12 });

    hub.seen.length = 0;
    expect(await downloadModel(id)).toEqual(model);
    expect(hub.seen.map(({ path }) => path)).toEqual([`/api/models/${id}/revision/main`]);
    await downloadModel(`${id}@${commit}`);
    expect(hub.seen.length).toBe(1);
  });

  test('the token goes to the hub and not where the hub leads to', async () => {
    await downloadModel(id);
    for (const { at, authorization } of hub.seen)
      expect(authorization).toBe(at === 'hub' ? `Bearer ${token}` : undefined);
    expect(hub.seen.filter(({ at }) => at === 'cdn').length).toBeGreaterThan(1);
  });

  test('the token may lie in the files of the hub client', async () => {
    vi.stubEnv('HF_TOKEN', undefined);
    await writeFile(join(home, 'token'), `${token}\n`);
    hub.repositories[id] = { commit, files: exported(), private: token };
    await downloadModel(id);
    await writeFile(join(home, 'other'), 'hf_other');
    vi.stubEnv('HF_TOKEN_PATH', join(home, 'other'));
    expect(await refused()).toMatchObject({ code: 'HUB_NOT_FOUND' });
  });

  test('the weights are those that are asked for', async () => {
    expect((await downloadModel(id, { dtype: 'fp16' })).onnx).toBe('onnx/model_fp16.onnx');
    const { directory } = await downloadModel(id, { dtype: 'q8' });
    expect(await readFile(join(directory, 'onnx/int8.onnx.data'), 'utf8')).toBe('int8');
    expect(await refused(id, { dtype: 'q4' })).toMatchObject({
      code: 'MODEL_DTYPE_MISSING',
      details: { available: ['fp32', 'fp16', 'q8'] },
    });
    // @ts-expect-error: said to be wrong, and is refused.
    expect(await refused(id, { dtype: 'int4' })).toMatchObject({ code: 'OPTION_INVALID' });
  });

  test('a revision with a slash is a ref of its own', async () => {
    await downloadModel(id, { revision: 'pull/1' });
    expect(await readFile(join(folder(), 'refs/pull/1'), 'utf8')).toBe(commit);
    expect(await refused(`${id}@v2`)).toMatchObject({ code: 'HUB_NOT_FOUND', details: { what: 'revision "v2"' } });
    expect(await refused(`${id}@../../x`)).toMatchObject({ code: 'OPTION_INVALID' });
    expect(await refused(`${id}@main`, { revision: 'other' })).toMatchObject({ code: 'OPTION_INVALID' });
  });
});

test('of a prepared model comes what model.json lists', async () => {
  const tiny = new URL('../../../../../test/fixtures/tiny-model/', import.meta.url);
  const description = await readFile(new URL('model.json', tiny), 'utf8');
  const names = Object.keys(JSON.parse(description).files);
  const files = await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, tiny))] as const));
  hub.repositories['tiny-org/prepared'] = {
    commit,
    files: { 'model.json': description, 'README.md': '#', ...Object.fromEntries(files) },
  };
  const { directory, onnx } = await downloadPreparedModel('tiny-org/prepared');
  expect(onnx).toBeNull();
  expect((await readdir(directory)).sort()).toEqual(['model.json', ...names].sort());
  await expect(downloadPreparedModel(id)).rejects.toMatchObject({
    code: 'MODEL_NOT_PREPARED',
    message: expect.stringContaining(`ner-retriever model prepare ${id} --block N --out DIR`),
  });
});

describe('interrupted', () => {
  test('by the network, it goes on where it was', async () => {
    hub.breaks['tokenizer.json'] = [50];
    hub.breaks['onnx/model.onnx_data'] = [100_000, 0, 50_000];
    await downloadModel(id);
    const ranges = hub.seen.filter(({ at, path }) => at === 'cdn' && path.endsWith('_data')).map(({ range }) => range);
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=100000-', 'bytes=150000-']);
    expect((await blobs()).filter((name) => name.endsWith('.incomplete'))).toEqual([]);
  });

  test('by its caller, the next call goes on where it was', async () => {
    const stop = new AbortController();
    hub.breaks['onnx/model.onnx_data'] = [100_000];
    const stopped = downloadModel(id, {
      signal: stop.signal,
      onProgress: ({ file, receivedBytes }) => {
        if (file.endsWith('_data') && receivedBytes > 0) stop.abort(new Error('enough'));
      },
    });
    await expect(stopped).rejects.toThrow('enough');
    const part = join(folder(), 'blobs', `${sha256(weights)}.incomplete`);
    const { size } = await stat(part);
    expect(size).toBeGreaterThan(0);
    hub.seen.length = 0;
    const { directory } = await downloadModel(id);
    expect(hub.seen.find(({ at }) => at === 'cdn')?.range).toBe(`bytes=${size}-`);
    expect(await readFile(join(directory, 'onnx/model.onnx_data'))).toEqual(weights);
  });

  test('by a kill, its part is found; what a living process writes, and what is not the file, is not used', async () => {
    const blob = join(folder(), 'blobs', sha256(weights));
    await mkdir(join(folder(), 'blobs'), { recursive: true });
    await writeFile(`${blob}.${hostname()}.4194304.0a0b0c0d.incomplete`, weights.subarray(0, 200_000));
    const living = `${blob}.${hostname()}.${process.pid}.0a0b0c0d.incomplete`;
    await writeFile(living, weights.subarray(0, 250_000));
    await downloadModel(id);
    expect(hub.seen.find(({ path }) => path.endsWith('_data'))?.range).toBe('bytes=200000-');
    expect((await blobs()).filter((name) => name.endsWith('.incomplete'))).toEqual([living.split('/').at(-1)]);

    // Of another machine, silent for an hour, and no beginning of this file.
    await rm(blob);
    await rm(living);
    const foreign = `${blob}.elsewhere.7.0a0b0c0d.incomplete`;
    await writeFile(foreign, Buffer.alloc(1000, 1));
    const hourAgo = Date.now() / 1000 - 3600;
    await utimes(foreign, hourAgo, hourAgo);
    hub.seen.length = 0;
    const { directory } = await downloadModel(id);
    const ranges = hub.seen.filter(({ at, path }) => at === 'cdn' && path.endsWith('_data')).map(({ range }) => range);
    expect(ranges).toEqual(['bytes=1000-', undefined]);
    expect(await readFile(join(directory, 'onnx/model.onnx_data'))).toEqual(weights);
  });

  test('a server without ranges begins anew', async () => {
    hub.ranges = false;
    hub.breaks['onnx/model.onnx_data'] = [1000, 100_000];
    const { directory } = await downloadModel(id);
    expect(await readFile(join(directory, 'onnx/model.onnx_data'))).toEqual(weights);
  });
});

test('two at once give both what they want', async () => {
  const [one, two] = await Promise.all([downloadModel(id), downloadModel(id)]);
  expect(one).toEqual(two);
  expect(await readFile(join(one.directory, 'onnx/model.onnx_data'))).toEqual(weights);
  expect((await blobs()).filter((name) => name.endsWith('.incomplete'))).toEqual([]);
});

describe('what is not what the hub says', () => {
  test('is refused and thrown away', async () => {
    hub.forged['onnx/model.onnx_data'] = Buffer.alloc(weights.length, 7);
    expect(await refused()).toMatchObject({ code: 'HUB_FILE_CORRUPT', details: { expected: sha256(weights) } });
    expect((await blobs()).some((name) => name.includes(sha256(weights)))).toBe(false);
    delete hub.forged['onnx/model.onnx_data'];
    await downloadModel(id);
  });

  test('is refused where it is longer, and where it is a small file', async () => {
    hub.forged['onnx/model.onnx_data'] = Buffer.concat([weights, weights]);
    expect(await refused()).toMatchObject({ code: 'HUB_FILE_CORRUPT' });
    hub.forged['config.json'] = Buffer.from('{"model_type": "ponyx"}');
    await rm(folder(), { recursive: true });
    expect(await refused()).toMatchObject({ code: 'HUB_FILE_CORRUPT', details: { file: 'config.json' } });
  });

  test('may not lead out of the folder', async () => {
    for (const location of ['../../x', '/etc/passwd', 'C:\\x']) {
      hub.repositories[id] = { commit, files: { ...exported(), 'onnx/model.onnx': graph(location) } };
      await rm(folder(), { recursive: true, force: true });
      expect(await refused()).toMatchObject({ code: 'MODEL_PATH_OUTSIDE', details: { path: location } });
    }
    hub.repositories[id] = { commit, files: { ...exported(), '../x': 'y' } };
    expect(await refused()).toMatchObject({ code: 'MODEL_PATH_OUTSIDE' });
  });

  test('is named: external data that is not there, a graph that is none', async () => {
    hub.repositories[id] = { commit, files: { ...exported(), 'onnx/model.onnx': graph('absent.data') } };
    expect(await refused()).toMatchObject({ code: 'HUB_NOT_FOUND', details: { what: 'file onnx/absent.data' } });
    hub.repositories[id] = { commit, files: { ...exported(), 'onnx/model.onnx': '<!doctype html>' } };
    await rm(folder(), { recursive: true });
    expect(await refused()).toMatchObject({ code: 'MODEL_INVALID' });
  });
});

describe('refused by the hub', () => {
  test('a model that is gated', async () => {
    hub.repositories[id] = { commit, files: exported(), gated: 'hf_of_someone_else' };
    const error = await refused();
    expect(error).toMatchObject({ code: 'HUB_ACCESS_DENIED', details: { reason: 'it is gated' } });
    expect(error.message).toContain(`${hub.endpoint}/${id}`);
    vi.stubEnv('HF_TOKEN', undefined);
    expect((await refused()).message).toContain('no token was sent');
    vi.stubEnv('HF_TOKEN', 'hf_of_someone_else');
    await downloadModel(id);
  });

  test('a repository that is not there, or is private', async () => {
    expect(await refused('tiny-org/nothing')).toMatchObject({ code: 'HUB_NOT_FOUND', details: { what: 'repository' } });
    vi.stubEnv('HF_TOKEN', undefined);
    expect(await refused('tiny-org/nothing')).toMatchObject({ code: 'HUB_ACCESS_DENIED' });
  });

  test('a repository without an export', async () => {
    hub.repositories[id] = { commit, files: { 'config.json': '{}', 'cpu/model.onnx': graph() } };
    expect(await refused()).toMatchObject({ code: 'MODEL_NOT_EXPORTED', details: { others: ['cpu/model.onnx'] } });
  });

  test('for a while: asked again when it says so, and not for ever', async () => {
    const now = { 'retry-after': '0' };
    hub.troubles.push(
      { status: 503, headers: now },
      { status: 429, headers: { 'retry-after': new Date().toUTCString() } },
    );
    await downloadModel(id);
    hub.seen.length = 0;
    for (let i = 0; i < 5; i++) hub.troubles.push({ status: 500, headers: now });
    expect(await refused()).toMatchObject({ code: 'HUB_FAILED', details: { received: 'HTTP 500' } });
    expect(hub.seen.length).toBe(5);
    hub.troubles.push({ status: 429, headers: { 'retry-after': '86400' } });
    expect(await refused()).toMatchObject({ code: 'HUB_FAILED', details: { received: 'HTTP 429' } });
  });

  test('an answer that is none of a hub', async () => {
    hub.repositories[id] = { commit: 'not-a-commit', files: exported() };
    expect(await refused()).toMatchObject({ code: 'HUB_FAILED' });
  });
});

describe('without a network', () => {
  test('what is in the cache is used, with a note', async () => {
    const { directory } = await downloadModel(id);
    const closed = new HubServer();
    await closed.open();
    vi.stubEnv('HF_ENDPOINT', closed.endpoint);
    await closed.close();
    const model = await downloadModel(id);
    expect(model.directory).toBe(directory);
    expect(model.note).toMatch(/cannot be reached \(ECONNREFUSED\)/);
    expect(await refused(id, { dtype: 'q8' })).toMatchObject({ code: 'HUB_UNREACHABLE' });
    expect(await refused('tiny-org/other')).toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringMatching(/HF_ENDPOINT.*local folder/),
    });
  });

  test('with HF_HUB_OFFLINE nobody is asked', async () => {
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect(await refused()).toMatchObject({ code: 'HUB_OFFLINE' });
    vi.stubEnv('HF_HUB_OFFLINE', undefined);
    await downloadModel(id);
    hub.seen.length = 0;
    vi.stubEnv('HF_HUB_OFFLINE', 'true');
    expect((await downloadModel(id)).note).toBe('HF_HUB_OFFLINE is set');
    expect(await refused(id, { dtype: 'q8' })).toMatchObject({ code: 'HUB_OFFLINE' });
    expect(await refused(`${id}@v2`)).toMatchObject({ code: 'HUB_OFFLINE' });
    expect(hub.seen).toEqual([]);
  });
});

describe('the cache', () => {
  test('lies where HF_HUB_CACHE says', async () => {
    vi.stubEnv('HF_HUB_CACHE', join(home, 'elsewhere'));
    expect((await downloadModel(id)).directory).toBe(
      join(home, 'elsewhere', 'models--tiny-org--tiny-model/snapshots', commit),
    );
  });

  test('that cannot be written is named', async () => {
    await writeFile(join(home, 'hub'), 'a file');
    expect(await refused()).toMatchObject({ code: 'HUB_CACHE_UNWRITABLE', details: { directory: join(home, 'hub') } });
  });

  test.runIf(process.platform === 'linux')('that is full is named', async () => {
    const blob = join(folder(), 'blobs', sha256(weights));
    await mkdir(join(folder(), 'blobs'), { recursive: true });
    await symlink('/dev/full', `${blob}.incomplete`);
    expect(await refused()).toMatchObject({ code: 'HUB_CACHE_UNWRITABLE', details: { reason: 'the disk is full' } });
  });

  test('holds links, and no file twice', async () => {
    const { directory } = await downloadModel(id);
    expect((await lstat(join(directory, 'config.json'))).isSymbolicLink()).toBe(true);
    expect((await blobs()).length).toBe(6);
  });
});
