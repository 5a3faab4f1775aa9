// Kills a writer at random moments of adding, replacing, deleting, compacting and approximate building, again and again in the same
// indexes, one of each precision, and holds each index against a model of it after every kill; then the same with a power cut. Prints what
// it has seen; fails at the first index that is not as it must be.
//
//     node --expose-gc test/crash/kill.mjs --kills 100 --seed 1
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { info } from '@ner-retriever/native';
import { checkIndex } from './check-index.mjs';
import { madeEntry } from './made-documents.mjs';
import { ModelIndex } from './model-index.mjs';
import { cutPower } from './power-cut.mjs';
import { seededRandom } from './random.mjs';
import { IndexFolder } from './storage.mjs';
import { endOfCommits } from './write-ahead-log.mjs';
import { WriterProcess } from './writer-process.mjs';

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
const kills = Number(values.kills ?? 100);
const random = seededRandom(Number(values.seed ?? 1));

const dimensions = 24;
const idSpace = 1200;
const parent = mkdtempSync(join(tmpdir(), 'ner-retriever-kill-'));
const kinds = ['add', 'replace', 'delete', 'compact', ...(info().faiss.available ? ['approximate'] : [])];
const seen = new Map(kinds.map((kind) => [kind, { kills: 0, before: 0, after: 0, powerCuts: 0 }]));
let cutsToOlderStates = 0;

/** An index with what is known of it. */
class Tortured {
  constructor(precision) {
    this.precision = precision;
    this.directory = join(parent, precision);
    /** What was acknowledged, the newest last. */
    this.states = [new ModelIndex(dimensions)];
    this.acknowledged = 0;
  }

  /** An operation was acknowledged. */
  done(operation) {
    this.states.push(this.state.after(operation));
    this.acknowledged += 1;
  }

  get hasApproximate() {
    return existsSync(join(this.directory, 'approximate.json'));
  }

  get state() {
    return this.states.at(-1);
  }

  /** Something is to be done to it. */
  operation(kind) {
    const { ids, size } = this.state;
    const version = this.states.length;
    const absent = () =>
      Array.from({ length: idSpace }, (_, number) => `d${number}`).filter((id) => !this.state.has(id));
    const some = (all, count) => Array.from({ length: Math.min(count, all.length) }, () => all[random(all.length)]);
    const put = (chosen) => ({ put: [...new Set(chosen)].map((id) => [id, version]) });
    // One commit in four is a large one.
    const count = random(4) === 0 ? 300 : 1 + random(20);
    if (kind === 'add' || size === 0) return put(some(absent(), count));
    if (kind === 'replace') return put(some(ids, count));
    if (kind === 'delete') return { remove: ids[random(size)] };
    return kind === 'compact' ? { compact: true } : { approximate: true };
  }
}

/** How long an operation of a kind takes, as far as it is known. */
const durations = new Map(kinds.map((kind) => [kind, 20]));

async function perform(index, writer, kind) {
  const operation = index.operation(kind);
  const startedAt = performance.now();
  writer.start(index.directory, operation);
  await writer.hears('begun');
  await writer.hears('done');
  durations.set(kind, durations.get(kind) * 0.7 + (performance.now() - startedAt) * 0.3);
  index.done(operation);
}

/** What the files are like while nobody writes: all of it is durable. */
function durableNow({ directory }) {
  const folder = join(directory, 'segments');
  return {
    sizes: new Map(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).size])),
    log: endOfCommits(join(directory, 'catalog.sqlite-wal')),
    catalogChanged: changed(join(directory, 'catalog.sqlite')),
    approximateChanged: changed(join(directory, 'approximate.json')),
  };
}

const changed = (file) => statSync(file, { bigint: true, throwIfNoEntry: false })?.mtimeNs;

/** What a power cut at this moment must leave, by the order in which things were made durable. */
function survives(before, now) {
  // The log is written into the catalog's file, and files go on its word, when it is durable.
  const isLogDurable = now.catalogChanged !== before.catalogChanged || areGone(before, now);
  // It tells of vectors when these are durable.
  const isCommitted = isLogDurable || now.log !== before.log;
  return { counted: isCommitted ? now.sizes : before.sizes, durableLog: isLogDurable ? now.log : before.log };
}

const areGone = (before, now) => [...before.sizes.keys()].some((name) => !now.sizes.has(name));

const oneMore = { put: [['one more', 1]] };

/** The next writer finds what a power cut has left. */
async function goOn(directory) {
  const folder = await IndexFolder.open(directory);
  const writer = await folder.openWriter();
  await writer.commit(oneMore.put.map(([id, version]) => madeEntry(id, version, dimensions)));
  await writer.close();
  folder.close();
}

async function killOnce(index, kind, writer) {
  writer.start(index.directory, {});
  await writer.hears('begun');
  await writer.hears('done');
  for (let calm = random(4); calm >= 0; calm -= 1) await perform(index, writer, kinds[random(kinds.length)]);
  while (index.state.size < idSpace / 3) await perform(index, writer, 'add');

  const operation = index.operation(kind);
  const before = durableNow(index);
  const delay = (random(1500) / 1000) * durations.get(kind);
  writer.start(index.directory, operation);
  await writer.hears('begun');
  for (const begun = performance.now(); performance.now() - begun < delay; ) await pause();
  if (await writer.kill()) return index.done(operation); // too late
  const counts = seen.get(kind);
  counts.kills += 1;

  const candidates = [index.state, index.state.after(operation)];
  const now = durableNow(index);
  const copy = join(parent, 'copy');
  const options = { approximate: index.hasApproximate };
  if (random(2) === 0) {
    cutPower(index.directory, copy, survives(before, now), random);
    await checkIndex(copy, candidates, random, options);
    await goOn(copy);
    await checkIndex(
      copy,
      candidates.map((model) => model.after(oneMore)),
      random,
      options,
    );
    counts.powerCuts += 1;
  }
  // The log alone, cut anywhere: what was acknowledged may be lost then, but never in part. Not where files went on its word.
  if (kind !== 'compact' && now.catalogChanged === before.catalogChanged) {
    cutPower(index.directory, copy, { counted: now.sizes, durableLog: 0 }, random);
    const older = await checkIndex(copy, [...candidates, ...index.states.slice(-40, -1).reverse()], random);
    if (older > 1) cutsToOlderStates += 1;
  }
  rmSync(copy, { recursive: true, force: true });

  const place = await checkIndex(index.directory, candidates, random, options);
  // These change nothing that can be read of the documents, and say by their files whether they were done.
  const isDone = { compact: areGone(before, now), approximate: now.approximateChanged !== before.approximateChanged };
  counts[(isDone[kind] ?? place === 1) ? 'after' : 'before'] += 1;
  index.states.push(candidates[place]);
  index.states.splice(0, index.states.length - 60);
  globalThis.gc?.(); // the driver lets go of files then
}

async function run() {
  const model = { name: 'made up', version: '1', fingerprint: 'sha256:0', path: null };
  const indexes = ['int8', 'float32', 'bfloat16'].map((precision) => new Tortured(precision));
  for (const { directory, precision } of indexes) await IndexFolder.create(directory, { model, dimensions, precision });
  const startedAt = performance.now();
  let writer = new WriterProcess();
  for (let round = 0; counted() < kills; round += 1) {
    const current = writer;
    writer = new WriterProcess(); // starts while the one before works
    const rarest = kinds.reduce((one, two) => (seen.get(two).kills < seen.get(one).kills ? two : one));
    await killOnce(indexes[round % indexes.length], rarest, current);
  }
  await writer.kill();
  const rows = [...seen].map(([kind, counts]) => ({ kind, ...counts }));
  console.table(rows);
  const acknowledged = indexes.map(({ acknowledged: count, precision }) => `${precision} ${count}`).join(', ');
  console.log(
    `${counted()} kills in ${Math.round((performance.now() - startedAt) / 1000)} s; acknowledged operations: ${acknowledged}`,
  );
  console.log(`logs cut back to older states: ${cutsToOlderStates}`);
}

const counted = () => [...seen.values()].reduce((sum, { kills: count }) => sum + count, 0);

try {
  await run();
} finally {
  rmSync(parent, { recursive: true, force: true });
}
