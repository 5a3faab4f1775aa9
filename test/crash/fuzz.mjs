// Damages small indexes in thousands of ways, one way each, and asks each everything that an index can be asked. What must come of it is an
// error that fits, or the right answer; never a crash, a hang, or a wrong answer. Prints how often what came; what must not come is printed
// case by case, and makes it fail. Case `n` of a seed is the same in every run: `--from` goes on.
//
//     TMPDIR=/dev/shm node test/crash/fuzz.mjs --cases 20000 --seed 1
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
    'limit-ms': { type: 'string' },
  },
});
const [cases, from, seed, limitMs] = [
  values.cases ?? 20_000,
  values.from ?? 0,
  values.seed ?? 1,
  values['limit-ms'] ?? 60_000,
].map(Number);

const casesOfWorker = 500;
/** Outcome to file to how many. */
const outcomes = new Map();
let failures = 0;

function count({ outcome, name = '?', ...facts }) {
  const files = outcomes.get(outcome) ?? new Map();
  outcomes.set(outcome, files);
  const file = name.replace(/^segments.\d+/, '*');
  files.set(file, (files.get(file) ?? 0) + 1);
  if (!/[A-Z]{4}/.test(outcome)) return;
  failures += 1;
  console.log(`${outcome}: ${JSON.stringify({ name, ...facts }).slice(0, 1500)}`);
}

/** Tries cases in a process of their own; the first one that was not tried. */
async function tryCases(first, last) {
  const parent = mkdtempSync(join(tmpdir(), 'ner-retriever-fuzz-'));
  const path = fileURLToPath(new URL('fuzz-worker.mjs', import.meta.url));
  const child = fork(path, [parent, first, last, seed].map(String), { execArgv: ['--expose-gc'] });
  const closed = once(child, 'close');
  let next = first;
  let watch;
  child.on('message', (message) => {
    clearTimeout(watch);
    if (message.outcome) {
      count(message);
      next = message.number + 1;
    } else watch = setTimeout(() => child.kill('SIGKILL'), limitMs);
  });
  const [code, signal] = await closed;
  clearTimeout(watch);
  rmSync(parent, { recursive: true, force: true });
  if (code === 0 && next === last) return next;
  count({ outcome: signal === 'SIGKILL' ? 'HANG' : `CRASH (${signal ?? code})`, number: next });
  return next + 1;
}

const startedAt = performance.now();
for (let next = from; next < cases; ) next = await tryCases(next, Math.min(cases, next + casesOfWorker));

const names = [...new Set([...outcomes.values()].flatMap((files) => [...files.keys()]))].sort();
const rows = names.map((name) => [
  name,
  Object.fromEntries([...outcomes].map(([outcome, files]) => [outcome, files.get(name) ?? 0])),
]);
console.table(Object.fromEntries(rows));
for (const [outcome, files] of outcomes)
  console.log(`${outcome}: ${[...files.values()].reduce((sum, one) => sum + one, 0)}`);
console.log(`${cases - from} cases, ${failures} failures, in ${Math.round((performance.now() - startedAt) / 1000)} s`);
process.exitCode = failures > 0 ? 1 : 0;
