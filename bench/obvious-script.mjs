// How much faster is `index` than the script that one would write first? That script is below: transformers.js, one text at a time through the whole model,
// pooling and projection by loops of JavaScript, the vectors as JSON in memory. Runs alternate, so that both see the same machine.
//   node bench/obvious-script.mjs [UNCUT] [FILE.jsonl] [DOCUMENTS]
// UNCUT: a folder with the uncut model (config.json, tokenizer.json, model.onnx), as `python -m training uncut` writes it. Without it, or with -, the script
// gets the bundled encoder, which is cut and quantised: the easier peer, as the output says. DOCUMENTS (default 500) are spread over the file.
// Both are given the same mentions, found beforehand. The script stores nothing on disk and has no full text; `index` does all that it always does.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Embedder, Retriever } from '@ner-retriever/core';
import { modelDirectory } from '@ner-retriever/model-en';
import { readHead } from '../packages/core/dist/projection/read-projection.js';
import { saveResult } from './save-result.mjs';
import { temporaryFolder } from './temporary-folder.mjs';
import { textsOf } from './texts-of.mjs';

const rounds = 3;
const require = createRequire(new URL('../packages/core/package.json', import.meta.url));
const { AutoModel, AutoTokenizer, Tensor } = require('@huggingface/transformers');

const uncut = process.argv[2] === undefined || process.argv[2] === '-' ? null : resolve(process.argv[2]);
const file = process.argv[3] ?? fileURLToPath(new URL('../examples/demo/corpus.jsonl.gz', import.meta.url));
const count = Number(process.argv[4] ?? 500);

const folder = temporaryFolder();
const { maximumTokens, head } = JSON.parse(readFileSync(join(modelDirectory, 'model.json'), 'utf8'));
const documents = await withMentions(spread(textsOf(file), count));
const script = await openScript();

const runs = [];
for (let round = 0; round < rounds; round++) {
  const index = await indexing(join(folder, `index-${round}`));
  runs.push({ index, script: await script(documents) });
}
const rate = (kind) => median(runs.map((run) => documents.length / run[kind]));
const ratio = median(runs.map((run) => run.script / run.index));
const peer = uncut === null ? 'the bundled encoder, cut and quantised' : 'the uncut model';
console.table([
  { run: 'index', 'documents/s': rate('index').toFixed(1) },
  { run: `obvious script with ${peer}`, 'documents/s': rate('script').toFixed(1) },
]);
console.log(
  `index has ${ratio.toFixed(1)} times the documents/s of the obvious script with ${peer} (median of ${rounds} pairs; ${runs.map((run) => (run.script / run.index).toFixed(1)).join(', ')})`,
);
saveResult(uncut === null ? 'obvious-script-cut' : 'obvious-script', {
  peer,
  documents: documents.length,
  mentions: documents.reduce((sum, { mentions }) => sum + mentions.length, 0),
  indexDocumentsPerSecond: rate('index'),
  scriptDocumentsPerSecond: rate('script'),
  ratio,
  secondsOfPairs: runs,
});

/** Seconds from the first document to the last commit. */
async function indexing(directory) {
  await using retriever = await Retriever.open(directory, { create: true });
  const { elapsedMs } = await retriever.add(documents);
  return elapsedMs / 1000;
}

/** The obvious script, its model open; gives the seconds that documents take. */
async function openScript() {
  const place = asTransformersFolder();
  const tokenizer = await AutoTokenizer.from_pretrained(place);
  const model = await AutoModel.from_pretrained(place, { dtype: 'fp32' });
  const layers = await readHead(join(modelDirectory, head));

  return async function run(texts) {
    const begin = performance.now();
    const index = [];
    for (const { id, text, mentions } of texts) {
      const { ids, lastTokens } = tokensOf(text, mentions);
      const rows = await lastHiddenStates(ids);
      index.push({
        id,
        mentions: mentions.map(({ start, end }, number) => ({
          start,
          end,
          vector: project(rows[lastTokens[number]] ?? rows.at(-1)),
        })),
      });
    }
    if (index.length !== texts.length) throw new Error('not all texts were read');
    return (performance.now() - begin) / 1000;
  };

  /** The tokens of a text, and which of them ends each mention. This tokenizer gives no offsets: it is asked for the parts between the ends, once each. */
  function tokensOf(text, mentions) {
    const ends = [...new Set(mentions.map(({ end }) => end))].sort((one, other) => one - other);
    const ids = [];
    const tokenOfEnd = new Map();
    let from = 0;
    for (const end of [...ends, text.length]) {
      ids.push(...tokenizer.encode(text.slice(from, end), { add_special_tokens: false }));
      tokenOfEnd.set(end, ids.length - 1);
      from = end;
    }
    return { ids, lastTokens: mentions.map(({ end }) => tokenOfEnd.get(end)) };
  }

  /** A row a token; texts that are longer than the model takes are read in pieces. */
  async function lastHiddenStates(ids) {
    const [first, ...rest] = tokenizer.encode('');
    const last = rest.at(-1);
    const rows = [];
    for (let from = 0; from < ids.length; from += maximumTokens - 2) {
      const piece = [first, ...ids.slice(from, from + maximumTokens - 2), last];
      const shape = [1, piece.length];
      const output = await model({
        input_ids: new Tensor('int64', BigInt64Array.from(piece, BigInt), shape),
        attention_mask: new Tensor('int64', new BigInt64Array(piece.length).fill(1n), shape),
      });
      const state = output.last_hidden_state ?? output.tap;
      const width = state.dims[2];
      for (let token = 1; token < piece.length - 1; token++)
        rows.push(state.data.subarray(token * width, (token + 1) * width));
    }
    return rows;
  }

  /** The projection head: linear layers with SiLU between them, then unit length. */
  function project(row) {
    let values = row;
    for (const [number, { weight, bias, inputDimensions, outputDimensions }] of layers.entries()) {
      const next = new Float32Array(outputDimensions);
      for (let unit = 0; unit < outputDimensions; unit++) {
        const from = unit * inputDimensions;
        let sum = bias[unit];
        for (let i = 0; i < inputDimensions; i++) sum += weight[from + i] * values[i];
        next[unit] = number < layers.length - 1 ? sum / (1 + Math.exp(-sum)) : sum;
      }
      values = next;
    }
    const length = Math.hypot(...values);
    return Array.from(values, (value) => value / length);
  }
}

/** A folder as transformers.js wants it. */
function asTransformersFolder() {
  const place = join(folder, 'script-model');
  mkdirSync(join(place, 'onnx'), { recursive: true });
  const source = uncut ?? modelDirectory;
  symlinkSync(join(source, uncut === null ? 'encoder.onnx' : 'model.onnx'), join(place, 'onnx', 'model.onnx'));
  symlinkSync(join(source, 'tokenizer.json'), join(place, 'tokenizer.json'));
  if (uncut === null) writeFileSync(join(place, 'config.json'), '{"model_type": "bert"}');
  else symlinkSync(join(source, 'config.json'), join(place, 'config.json'));
  writeFileSync(join(place, 'tokenizer_config.json'), '{"tokenizer_class": "PreTrainedTokenizerFast"}');
  return place;
}

async function withMentions(texts) {
  await using embedder = await Embedder.open();
  const detected = await embedder.detect(texts);
  return texts.map((text, number) => ({
    id: `d${number}`,
    text,
    mentions: detected[number].map(({ start, end }) => ({ start, end })),
  }));
}

/** `count` texts, evenly spread over all. */
function spread(texts, count) {
  const step = Math.max(1, texts.length / count);
  return Array.from({ length: Math.min(count, texts.length) }, (_, number) => texts[Math.floor(number * step)]);
}

function median(values) {
  return values.toSorted((one, other) => one - other)[values.length >> 1];
}
