import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HubServer } from '../../core/test-support/hub-server.js';
import { runCommand } from '../test-support/run-command.js';
import { workspace } from '../test-support/workspace.js';

const files = workspace();
const graphs = fileURLToPath(new URL('../../../test/fixtures/graphs/', import.meta.url));
const commit = '89abcdef0123456789abcdef0123456789abcdef';
const token = 'hf_aSecretThatNobodyElseMaySee';

const hub = new HubServer();
beforeAll(async () => {
  await hub.open();
  const read = (name: string) => readFileSync(`${graphs}stories260k-dynamo/${name}`);
  hub.repositories['tiny-org/stories'] = {
    commit,
    files: {
      'config.json': read('config.json'),
      'tokenizer.json': read('tokenizer.json'),
      'onnx/model.onnx': read('model.onnx'),
      'onnx/model.onnx.data': read('model.onnx.data'),
    },
  };
  hub.repositories['tiny-org/gated'] = {
    commit,
    gated: token,
    files: { 'config.json': '{}', 'tokenizer.json': '{}', 'onnx/model.onnx': 'gated' },
  };
});
afterAll(() => hub.close());

const environment = () => ({ HF_ENDPOINT: hub.endpoint, HF_HOME: files.path('home'), HF_TOKEN: '', HF_HUB_CACHE: '' });
const run = (...words: string[]) => runCommand(words, { environment: environment() });

test('a Hugging Face id is downloaded and prepared, the same as its folder', async () => {
  const [fromHub, fromFolder] = [files.path('from-hub'), files.path('from-folder')];
  expect(await run('model', 'prepare', 'tiny-org/stories', '--block', '2', '--out', fromHub)).toMatchObject({
    code: 0,
  });
  await run('model', 'prepare', `${graphs}stories260k-dynamo`, '--block', '2', '--out', fromFolder);
  const info = async (folder: string) => JSON.parse((await run('model', 'info', folder, '--json')).stdout);
  const [one, other] = [await info(fromHub), await info(fromFolder)];
  expect(one.fingerprint).toBe(other.fingerprint);
  expect(one.description.name).toBe(`tiny-org/stories@${commit} block 2 value`);
});

test('inspect lists the blocks of an id', async () => {
  const { code, stdout } = await run('model', 'inspect', 'tiny-org/stories');
  expect(code).toBe(0);
  expect(stdout.match(/^block \d/gm)).toHaveLength(5);
});

test.each([
  ['no such model', ['tiny-org/none'], /tiny-org\/none/],
  ['no such weights', ['tiny-org/stories', '--dtype', 'q4'], /q4/],
  ['no such revision', ['tiny-org/stories', '--revision', 'v9'], /v9/],
  ['a gated model without a token', ['tiny-org/gated'], /HF_TOKEN/],
])('%s is said', async (_, words, message) => {
  const { code, stderr } = await run('model', 'prepare', ...words, '--block', '0', '--out', files.path('none'));
  expect(stderr).toMatch(message);
  expect(code).toBe(1);
});

test('no network is said, with what to do', async () => {
  const unreachable = { ...environment(), HF_ENDPOINT: 'http://127.0.0.1:9', HF_HOME: files.path('empty') };
  const words = ['model', 'prepare', 'tiny-org/stories', '--block', '0', '--out', files.path('none')];
  const { code, stderr } = await runCommand(words, { environment: unreachable });
  expect(code).toBe(1);
  expect(stderr).toMatch(/Cannot reach http:\/\/127\.0\.0\.1:9.*HF_ENDPOINT.*local folder/);
});
