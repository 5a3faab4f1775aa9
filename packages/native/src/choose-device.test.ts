import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { emulatedCuda } from '../../../test/support/emulated-cuda.mjs';
import { nvidiaDriver } from './nvidia-driver.js';

const folder = mkdtempSync(join(tmpdir(), 'ner-retriever-device-'));
afterAll(() => rmSync(folder, { recursive: true }));
const built = JSON.stringify(new URL('../dist/index.js', import.meta.url).href);

/** Runs code in a process of its own, which has no CUDA library or the one that is named. */
function run(code: string, library = ''): string {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', `import { chooseDevice, info, probeCuda } from ${built};\n${code}`],
    { encoding: 'utf8', env: { ...process.env, NER_RETRIEVER_CUDA_LIBRARY: library } },
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout.trim();
}

const choose = (device: string) =>
  `console.log(JSON.stringify(await chooseDevice('${device}').catch(({ code, message }) => ({ code, message }))))`;

test('the CPU is what was asked for, or what is left', () => {
  expect(JSON.parse(run(choose('cpu')))).toEqual({ device: 'cpu', reason: 'asked for' });
  expect(JSON.parse(run(choose('gpu')))).toMatchObject({
    message: "expected a device to be 'auto', 'cpu' or 'cuda', got gpu",
  });
});

test.runIf(nvidiaDriver() === null)('without a driver no process is started, and the reason is said', () => {
  const reason = 'no NVIDIA driver is loaded (/proc/driver/nvidia is not there)';
  // A fork would fail.
  const noForks =
    "import { ChildProcess } from 'node:child_process'; ChildProcess.prototype.spawn = () => { throw new Error('forked'); };";
  expect(JSON.parse(run(`${noForks}\n${choose('auto')}`))).toEqual({ device: 'cpu', reason });
  expect(JSON.parse(run(`${noForks}\n${choose('cuda')}`))).toEqual({ code: 'DEVICE_UNAVAILABLE', message: reason });
  expect(JSON.parse(run('console.log(JSON.stringify(info().cuda))'))).toMatchObject({
    available: false,
    reason,
    driver: null,
  });
});

test('a library that is not there, or is none, is a reason', () => {
  const none = join(folder, 'none.so');
  expect(JSON.parse(run(choose('auto'), none))).toEqual({
    device: 'cpu',
    reason: `NER_RETRIEVER_CUDA_LIBRARY names ${none}, which is not there`,
  });
  const damaged = join(folder, 'damaged.so');
  writeFileSync(damaged, ''.padEnd(4096, 'this is no library '));
  expect(JSON.parse(run(choose('cuda'), damaged))).toMatchObject({
    code: 'DEVICE_UNAVAILABLE',
    message: expect.stringContaining('the CUDA library could not be loaded'),
  });
});

describe.runIf(emulatedCuda !== null)('with a device that answers right', () => {
  test('it is chosen, after one try in a process of its own', () => {
    const twice = `const begin = performance.now(); await chooseDevice('cuda'); const first = performance.now() - begin;
      const probe = await probeCuda(); console.log(JSON.stringify({ ...(await chooseDevice('auto')), first, again: performance.now() - begin - first, probe }));`;
    const { device, reason, first, again, probe } = JSON.parse(run(twice, emulatedCuda as string));
    expect([device, probe.usable]).toEqual(['cuda', true]);
    expect(reason).toBe(probe.device.name);
    expect(again).toBeLessThan(first);
  });

  test('info() opens no device', () => {
    const about = JSON.parse(run('console.log(JSON.stringify(info().cuda))', emulatedCuda as string));
    expect(about).toMatchObject({ available: true, reason: null, library: emulatedCuda, libraryFault: null });
  });
});
