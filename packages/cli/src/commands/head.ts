import type { Command } from '../command.js';
import { deviceFlag } from '../device-flag.js';
import { nearest } from '../flags/nearest.js';
import { applyHead } from '../head/apply-head.js';
import { importHead } from '../head/import-head.js';
import { infoOfHead } from '../head/info-of-head.js';
import { trainHead } from '../head/train-head.js';

const actions = { train: trainHead, import: importHead, apply: applyHead, info: infoOfHead };

export const head: Command = {
  usage: [
    'train DATASET FILE… --out HEAD.safetensors',
    'import FILE --out HEAD.safetensors',
    'apply FILE --out DIR',
    'info FILE',
  ],
  about: `A projection head turns a model's own values into vectors in which a type's name is near the mentions of the type.

train learns one from labelled documents. The model reads them once (--cache keeps what it read); then the names of types and their
mentions are drawn together. A share of the types is held out and never trained on: the head is the one that ranks these best, and
training ends when it stops getting better. After every epoch HEAD.safetensors.checkpoint is written; interrupted, the same command goes on from it.
DATASET is multiconer2, fewnerd, neretrieve or conll, as "eval" reads them, or jsonl, a data set of your own, a document a line:
{"id": "…", "text": "…", "mentions": [{"start": 0, "end": 12, "types": ["volcano", "stratovolcano"]}]} (UTF-16 offsets).
Do not train on what you will measure on.

import reads a head that PyTorch (.pth, .pt) or NumPy (.npz) wrote, or a .safetensors file, and writes it as .safetensors. A pickle is
read, never run.
apply makes a model folder that is another one with this head: what --model of index takes. An index knows its model and head: it is made anew.
info says what a head is made of.`,
  flags: [
    { name: 'out', value: 'FILE', help: 'the head to write, .safetensors; apply: the model folder to make' },
    { name: 'model', value: 'DIR', help: 'train, apply: the model folder (default: the bundled English model)' },
    { name: 'cache', value: 'DIR', help: "train: keeps the model's vectors of the documents here for the next run" },
    { name: 'dimensions', value: 'N', help: 'train: of the projected vectors (default: 500)' },
    { name: 'hidden', value: 'N', help: 'train: width between the two layers (default: 500)' },
    { name: 'gate', help: 'train: multiply each input by a learned number from 0 to 1 first' },
    { name: 'loss', value: 'LOSS', help: 'train: triplet (default) or info-nce' },
    { name: 'epochs', value: 'N', help: 'train: at most so many passes over the examples (default: 30)' },
    { name: 'batch-size', value: 'N', help: 'train: examples a step (default: 128)' },
    { name: 'learning-rate', value: 'R', help: 'train: the highest of its schedule (default: 0.0001)' },
    { name: 'mentions-per-type', value: 'N', help: 'train: at most so many examples of a type (default: 100)' },
    { name: 'held-out', value: 'S', help: 'train: share of the types that only measure (default: 0.1; 0: none)' },
    { name: 'seed', value: 'N', help: 'train: the same seed on the same data gives the same head (default: 0)' },
    { ...deviceFlag, help: `train: ${deviceFlag.help}` },
    { name: 'json', help: 'train, info: the facts as JSON' },
  ],
  examples: [
    'head train jsonl labelled.jsonl --out head.safetensors --cache taps',
    'head train jsonl labelled.jsonl --out head.safetensors --loss info-nce --dimensions 256',
    'head import contrastive_projection_head.pth --out head.safetensors',
    'head apply head.safetensors --out my-model',
    'head info head.safetensors',
  ],

  async run(words, surroundings) {
    const [action = '', ...operands] = words.operands;
    if (!isAction(action)) {
      const names = Object.keys(actions);
      const near = nearest(action, names);
      const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
      return words.refuse(names.join(', '), action === '' ? 'nothing' : `${JSON.stringify(action)}${hint}`);
    }
    return actions[action](operands, words, surroundings);
  },
};

function isAction(word: string): word is keyof typeof actions {
  return Object.hasOwn(actions, word);
}
