import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { NerRetrieverError } from '../errors.js';

/** Weight types of ONNX exports, by the names that Hugging Face's exports give their files. */
export const sourceTypes = ['fp32', 'fp16', 'q8', 'q4'] as const;

export type SourceType = (typeof sourceTypes)[number];

/** An ONNX export as it is published: an uncut graph with its configuration and tokenizer. */
export interface SourceFolder {
  /** Absolute path. */
  readonly directory: string;
  /** Absolute path of the graph. */
  readonly graph: string;
  readonly config: SourceConfig;
  /** Absolute path of the tokenizer.json. */
  readonly tokenizer: string;
  /** The longest text that the tokenizer's own configuration allows; null where it says nothing of use. */
  readonly tokenizerLimit: number | null;
}

/** What a config.json tells of a model, as far as it is needed. */
export interface SourceConfig {
  readonly modelType: string;
  readonly paddingId: number;
  /** Positions that the model was made for, null where it has no such limit. */
  readonly maximumPositions: number | null;
  readonly cacheHeads: number | null;
  readonly cacheWidth: number | null;
}

/** What the graph of each weight type may be called, best first. */
const graphNames: { readonly [type in SourceType]: readonly string[] } = {
  fp32: ['model', 'encoder_model', 'decoder_model_merged', 'decoder_model'],
  fp16: ['model_fp16', 'encoder_model_fp16', 'decoder_model_merged_fp16'],
  q8: [
    'model_quantized',
    'model_int8',
    'model_uint8',
    'model_q8',
    'encoder_model_quantized',
    'decoder_model_merged_quantized',
  ],
  q4: ['model_q4', 'model_q4f16', 'model_bnb4', 'encoder_model_q4', 'decoder_model_merged_q4'],
};

/**
 * Finds what a folder holds of a model: `onnx/model*.onnx` or `model*.onnx`, config.json, tokenizer.json. A path to an .onnx file
 * names the graph itself. Without `type`, the float32 graph, or the only one there is.
 *
 * @throws NerRetrieverError MODEL_SOURCE_INCOMPLETE, which says what is missing and how to come by it.
 */
export async function openSourceFolder(source: string, type?: SourceType): Promise<SourceFolder> {
  const path = resolve(source);
  const isGraph = path.endsWith('.onnx') && (await isFile(path));
  const folder = isGraph ? dirname(path) : path;
  const graph = isGraph ? path : await findGraph(folder, type);
  // An export keeps its graphs in a folder of their own below its configuration.
  const directory =
    isGraph && basename(folder) === 'onnx' && !(await isFile(join(folder, 'config.json'))) ? dirname(folder) : folder;
  const config = readConfig(
    directory,
    await readJson(directory, 'config.json', 'the configuration that came with the model'),
  );
  const tokenizer = join(directory, 'tokenizer.json');
  if (!(await isFile(tokenizer))) {
    throw incomplete(
      directory,
      'tokenizer.json',
      'save it from Python: AutoTokenizer.from_pretrained(…, use_fast=True).save_pretrained(DIR)',
    );
  }
  const settings = await readJson(directory, 'tokenizer_config.json', '').catch(() => ({}));
  const limit = (settings as Json).model_max_length;
  // Tokenizers without a limit say 10^30.
  const tokenizerLimit = typeof limit === 'number' && limit > 0 && limit < 1e9 ? limit : null;
  return { directory, graph, config, tokenizer, tokenizerLimit };
}

async function findGraph(directory: string, type: SourceType | undefined): Promise<string> {
  const found = await stat(directory).catch(() => null);
  if (!found?.isDirectory())
    throw incomplete(
      directory,
      'a folder with an ONNX model',
      'check the path, or name a Hugging Face id (owner/name)',
    );
  const graphs: string[] = [];
  for (const folder of [join(directory, 'onnx'), directory]) {
    const names = await readdir(folder).catch(() => []);
    graphs.push(
      ...names
        .filter((name) => name.endsWith('.onnx'))
        .sort()
        .map((name) => join(folder, name)),
    );
  }
  for (const name of graphNames[type ?? 'fp32']) {
    const graph = graphs.find((path) => basename(path) === `${name}.onnx`);
    if (graph !== undefined) return graph;
  }
  if (type === undefined && graphs.length === 1) return graphs[0] as string;
  const there = graphs.map((path) => path.slice(directory.length + 1)).join(', ');
  if (graphs.length === 0) {
    throw incomplete(
      directory,
      'onnx/model.onnx or model.onnx',
      'export the model to ONNX first, for example with Optimum: optimum-cli export onnx --model ID DIR',
    );
  }
  throw incomplete(
    directory,
    `onnx/${graphNames[type ?? 'fp32'][0]}.onnx`,
    `it holds ${there}: name one of them as the source, or its --dtype`,
  );
}

type Json = { readonly [key: string]: unknown };

function readConfig(directory: string, json: Json): SourceConfig {
  // Models of several parts keep the text part's own settings within.
  const text = [json.text_config, json.decoder, json.encoder].find((part) => typeof part === 'object' && part !== null);
  const settings: Json = { ...json, ...(text as Json | undefined) };
  const integer = (...keys: readonly string[]) => {
    const value = keys.map((key) => settings[key]).find((each) => Number.isSafeInteger(each) && (each as number) >= 0);
    return (value as number | undefined) ?? null;
  };
  const first = (key: string) => (Array.isArray(settings[key]) ? (settings[key] as unknown[])[0] : settings[key]);
  const end = first('eos_token_id');
  const modelType = settings.model_type;
  if (typeof modelType !== 'string')
    throw incomplete(directory, 'a config.json with model_type', 'copy the one that came with the model');
  const heads = integer('num_key_value_heads', 'num_attention_heads', 'n_head');
  const all = integer('num_attention_heads', 'n_head');
  const width = integer('hidden_size', 'n_embd', 'd_model');
  return {
    modelType,
    paddingId: integer('pad_token_id') ?? (Number.isSafeInteger(end) ? (end as number) : 0),
    maximumPositions: maximumPositions(modelType, integer('max_position_embeddings', 'n_positions', 'n_ctx')),
    cacheHeads: heads,
    cacheWidth: integer('head_dim') ?? (width !== null && all ? Math.floor(width / all) : null),
  };
}

/** RoBERTa and its kin count positions from behind the padding id: two of the table's rows stand for no token. */
function maximumPositions(modelType: string, rows: number | null): number | null {
  const shifted = /^(roberta|xlm-roberta|camembert|xmod|longformer|mpnet|data2vec-text)/.test(modelType);
  return rows !== null && shifted ? rows - 2 : rows;
}

async function readJson(directory: string, file: string, whereFrom: string): Promise<Json> {
  let text: string;
  try {
    text = await readFile(join(directory, file), 'utf8');
  } catch {
    throw incomplete(directory, file, `copy ${whereFrom}`);
  }
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json;
  } catch {
    // Said below.
  }
  throw incomplete(directory, `a ${file} that is a JSON object`, `copy ${whereFrom} again`);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}

function incomplete(directory: string, missing: string, remedy: string): NerRetrieverError {
  return new NerRetrieverError('MODEL_SOURCE_INCOMPLETE', { directory, missing, remedy });
}
