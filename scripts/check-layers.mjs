// Imports run one way: between packages (cli -> server -> core -> native, model-en), and between the rooms of core, which stand in the
// order of the data. Only what joins rooms on purpose (the files directly in core/src) is free to know them all.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './run.mjs';

const packages = {
  native: [],
  'model-en': [],
  core: ['native', 'model-en'],
  server: ['core'],
  cli: ['core', 'server'],
};

/** Room -> the rooms it may import. Files directly in core/src count as the room "". */
const rooms = {
  mentions: [],
  text: ['mentions'],
  model: [],
  // Where the work of the rooms is done: CPU or GPU.
  device: [],
  encoder: ['mentions', 'model', 'pooling', 'projection', 'device'],
  detection: ['text', 'mentions', 'model', 'encoder'],
  pooling: [],
  // ProjectionHead.train loads the training room when it is called.
  projection: ['evaluation', 'training'],
  index: ['text', 'mentions', 'model', 'lexical'],
  search: ['index', 'text', 'mentions', 'model'],
  lexical: [],
  study: ['model', 'evaluation'],
  // Measures the cut-off that a search estimates.
  evaluation: ['text', 'mentions', 'model', 'projection', 'lexical', 'search'],
  training: ['evaluation', 'lexical', 'mentions', 'model', 'projection', 'device'],
};

/** Files of core/src that every room may import, and that import none. */
const ground = ['errors', 'matrix', 'check-options'];

const faults = [];
for (const [name, allowed] of Object.entries(packages)) {
  const source = join(fileURLToPath(root), 'packages', name, 'src');
  for (const file of readdirSync(source, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    for (const target of importsOf(join(source, file))) {
      const toPackage = /^@ner-retriever\/([\w-]+)/.exec(target)?.[1];
      if (toPackage && !allowed.includes(toPackage))
        faults.push(`packages/${name}/src/${file} imports @ner-retriever/${toPackage}`);
      if (name === 'core' && target.startsWith('.')) checkRoom(file, target);
    }
  }
}

function checkRoom(file, target) {
  const [room, ...below] = file.split('/');
  if (below.length === 0) return;
  const path = join(file, '..', target);
  const targetRoom = path.includes('/') ? path.split('/')[0] : '';
  const allowed =
    targetRoom === room ||
    rooms[room]?.includes(targetRoom) ||
    (targetRoom === '' && ground.includes(path.replace(/\.js$/, '')));
  if (!allowed) faults.push(`packages/core/src/${file} imports ${path}`);
}

function importsOf(file) {
  const code = readFileSync(file, 'utf8');
  return [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]);
}

if (faults.length > 0) {
  console.error(
    `Imports that run against the plan (scripts/check-layers.mjs):\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
  );
  process.exit(1);
}
