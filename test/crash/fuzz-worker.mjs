// Damages one index after the other as it is told by its parent, and says what came of each: a crash or a hang is the parent's to see.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { answersOf } from './answers.mjs';
import { ids, makeBases } from './fuzz-bases.mjs';
import { mutate } from './mutations.mjs';
import { seededRandom } from './random.mjs';
import { NerRetrieverError, verifyIndex } from './storage.mjs';

/** Fitting words for an index that is not what it was. */
const fitting = new Set([
  'INDEX_DAMAGED',
  'INDEX_NOT_FOUND',
  'NOT_AN_INDEX',
  'INDEX_FORMAT_NEWER',
  'INDEX_FORMAT_OLDER',
  'APPROXIMATE_MISSING',
  'STORAGE_FAILED',
]);

const [parent, first, last, seed] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const bases = await makeBases(parent);
const hasApproximate = bases.some(({ files }) => files.has('approximate.json'));

for (let number = first; number < last; number += 1) {
  process.send({ number });
  process.send({ number, ...(await tryCase(number)) });
  if (number % 20 === 0) globalThis.gc(); // the driver lets go of files then
}
process.disconnect();

async function tryCase(number) {
  const random = seededRandom(Math.imul(seed, 1_000_003) + number);
  const base = bases[random(bases.length)];
  const others = bases.filter(({ version }) => version !== base.version);
  const sibling = others.find(({ precision, hasLog }) => precision === base.precision && hasLog === base.hasLog);
  const foreign = random(2) ? sibling : others[random(others.length)];
  let mutation;
  do mutation = mutate(base.files, foreign.files, random);
  while (mutation.bytes instanceof Buffer && mutation.bytes.equals(base.files.get(mutation.name)));
  const { name, kind, bytes } = mutation;
  const directory = join(parent, `case-${number}`);
  write(directory, new Map(base.files).set(name, bytes));
  const answers = await answersOf(directory, ids, { hasApproximate });
  const verified = await verifyIndex(directory).then(
    ({ whole, problems }) => (whole ? 'whole' : JSON.stringify(problems)),
    (error) => error,
  );
  rmSync(directory, { recursive: true });
  const facts = { base: base.name, name: name.replace(/approximate-.*faiss/, 'approximate.faiss'), kind };
  return { ...facts, ...judge(base, answers, verified) };
}

function write(directory, files) {
  for (const [name, bytes] of files) {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    if (bytes === 'folder') mkdirSync(file);
    else if (bytes) writeFileSync(file, bytes);
  }
}

function judge({ answers: states }, answers, verified) {
  const errors = [...Object.values(answers), verified].filter((answer) => typeof answer !== 'string');
  const unfit = errors.find((error) => !NerRetrieverError.isInstance(error) || !fitting.has(error.code));
  if (unfit) return { outcome: 'UNFIT ERROR', detail: `${unfit.code} ${unfit.stack}` };

  const isFound = verified !== 'whole';
  const wrong = (state) =>
    Object.keys(answers).filter((kind) => typeof answers[kind] === 'string' && answers[kind] !== state[kind]);
  const isRight = states.map((state) => wrong(state).length === 0);
  const detail = `${errors[0]?.message ?? ''} verify: ${verified}`;
  if (!isRight.includes(true)) {
    const kinds = wrong(states[0]);
    return {
      outcome: `WRONG ANSWER (${kinds})${isFound ? '' : ', not found by verify'}`,
      detail: `${detail} ${answers[kinds[0]]}`,
    };
  }
  if (errors.length > (isFound && verified instanceof Error ? 1 : 0)) {
    const isMissed = !isFound && errors.some(({ code }) => code !== 'APPROXIMATE_MISSING');
    return !isMissed ? { outcome: 'refused' } : { outcome: 'REFUSED, not found by verify', detail };
  }
  if (isFound) return { outcome: 'right, found by verify' };
  return { outcome: isRight[0] ? 'right, and whole' : 'an older state, and whole' };
}
