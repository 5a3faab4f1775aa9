import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { randomFloats } from '../test/random-floats.mjs';
import { VectorIndex } from './vector-index.js';

// Worker threads and child processes run the built package: a worker file must be JavaScript.
const built = new URL('../dist/index.js', import.meta.url).href;

/** A process of its own, because what is guarded against would end this one. */
function runScenario(name: string): { status: number | null; stdout: string; stderr: string } {
  const file = fileURLToPath(new URL(`../test/scenarios/${name}.mjs`, import.meta.url));
  return spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 50_000 });
}

test('a timer goes on firing during a long search', async () => {
  const index = new VectorIndex({ dimensions: 128, threads: 1 });
  await index.add(randomFloats(20_000 * 128, 1));
  const queries = randomFloats(2000 * 128, 2);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await index.search(queries, 1);
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(3);
});

test('several worker threads use the addon at once and agree with the main thread', async () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(built)}).then(async ({ Projection, VectorIndex, crc32c, poolSpans }) => {
      const rows = Float32Array.from({ length: 600 }, (_, i) => Math.sin(i));
      const projection = new Projection([{ weight: rows.slice(0, 60), bias: rows.slice(0, 10) }], 6);
      const index = new VectorIndex({ dimensions: 10 });
      await index.add(await projection.project(rows));
      const found = await index.search(projection.projectSync(rows.subarray(0, 6)), 5);
      parentPort.postMessage([[...found.rows], [...poolSpans(rows, 6, Int32Array.of(3, 9), 'mean')], crc32c(new Uint8Array(rows.buffer))]);
    });`;
  const answers = await Promise.all(
    Array.from(
      { length: 4 },
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(source, { eval: true });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  expect((answers[0] as number[][])[0]?.[0]).toBe(0);
  for (const answer of answers) expect(answer).toEqual(answers[0]);
});

test.each(['terminate-during-search', 'terminate-during-training', 'exit-during-search', 'leave-during-search'])(
  '%s leaves the process alive',
  (scenario) => {
    const { status, stdout, stderr } = runScenario(scenario);
    expect(stderr).toBe('');
    expect(stdout).toBe('alive\n');
    expect(status).toBe(0);
  },
);

test('indexes that are dropped are collected: V8 knows what they weigh', () => {
  const { status, stdout, stderr } = runScenario('drop-indexes');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(Number(stdout)).toBeLessThan(600);
});
