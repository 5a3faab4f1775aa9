import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { runProbe } from './probe-cuda.js';

const folder = mkdtempSync(join(tmpdir(), 'ner-retriever-probe-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A child process that does what a bad driver may do. */
function child(code: string): URL {
  const file = join(folder, `${code.replace(/\W/g, '').slice(0, 40)}.mjs`);
  writeFileSync(file, code);
  return pathToFileURL(file);
}

test.each([
  ['a crash', "process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000);", 'ended with SIGSEGV'],
  [
    'an exit',
    "console.error('first line\\nNVRM: version mismatch'); process.exitCode = 7;",
    'ended with exit code 7 (NVRM: version mismatch)',
  ],
  ['a wrong answer', "process.send({ error: 'it multiplied wrong' });", 'it multiplied wrong'],
  ['an exit without an answer', 'process.exitCode = 0;', 'ended with exit code 0'],
])('%s is a reason, and no harm is done here', async (_, code, reason) => {
  const probe = await runProbe(child(code));
  expect(probe).toEqual({ usable: false, reason: expect.stringContaining(reason) });
});

test('one that hangs is given up after its time, and ended', async () => {
  const began = performance.now();
  // Deaf to all that can be ignored.
  const deaf = child("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); for (;;);");
  expect(await runProbe(deaf, 700)).toEqual({ usable: false, reason: 'it did not answer within 0.7 s' });
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('an answer counts even where the process then hangs at its end', async () => {
  const answer = { devices: 2, device: { name: 'a GPU' } };
  const hanging = child(`process.send(${JSON.stringify(answer)}); setInterval(() => {}, 1000);`);
  expect(await runProbe(hanging)).toEqual({ usable: true, ...answer });
});

test('a script that is not there is a reason', async () => {
  const probe = await runProbe(pathToFileURL(join(folder, 'none.mjs')));
  expect(probe).toMatchObject({ usable: false, reason: expect.stringContaining('exit code 1') });
});
