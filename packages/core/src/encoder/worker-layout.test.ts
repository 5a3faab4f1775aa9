import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openModelFolder } from '../model/model-folder.js';
import { workerLayout } from './worker-layout.js';

const model = await openModelFolder(fileURLToPath(new URL('../../../../test/fixtures/tiny-model', import.meta.url)));
const cores = availableParallelism();

test('on the CPU a small model has a session a core, on a GPU one in all', () => {
  expect(workerLayout(model)).toEqual({ workers: cores, threads: 1 });
  expect(workerLayout(model, undefined, 'cuda')).toEqual({ workers: 1, threads: cores });
});

test('a number of workers that is given counts on both', () => {
  expect(workerLayout(model, 3)).toEqual({ workers: 3, threads: 1 });
  expect(workerLayout(model, 3, 'cuda')).toEqual({ workers: 3, threads: 1 });
});
