import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { NerRetrieverError } from '../errors.js';
import { type ModelDtype, onnxExport } from './onnx-export.js';

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

/**
 * Finds what a folder holds of a model: `onnx/model*.onnx` or `model*.onnx`, config.json, tokenizer.json. A path to an .onnx file
 * names the graph itself. Without `dtype`, the float32 graph, or the only one there is.
 *
 * @throws NerRetrieverError MODEL_SOURCE_INCOMPLETE, which says what is missing and how to come by it.
 */
export async function openSourceFolder(source: string, dtype?: ModelDtype): Promise<SourceFolder> {
  const path = resolve(source);
  const isGraph = path.endsWith('.onnx') && (await isFile(path));
  const folder = isGraph ? dirname(path) : path;
  const graph = isGraph ? path : await findGraph(folder, dtype);
  // An export keeps its graphs in a folder of their own below its configuration.
  const directory =
    isGraph && basename(folder) === 'onnx' && !(await isFile(join(folder, 'config.json'))) ? dirname(folder) : folder;
  const config = readConfig(directory, await readSettings(directory));
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

async function findGraph(directory: string, dtype: ModelDtype | undefined): Promise<string> {
  const found = await stat(directory).catch(() => null);
  if (!found?.isDirectory())
    throw incomplete(
      directory,
      'a folder with an ONNX model',
      'check the path, or name a Hugging Face id (owner/name)',
    );
  const graphs: string[] = [];
  for (const folder of ['onnx/', '']) {
    const names = await readdir(join(directory, folder)).catch(() => []);
    graphs.push(...names.filter((name) => name.endsWith('.onnx')).map((name) => `${folder}${name}`));
  }
  const [only] = graphs;
  const graph = onnxExport(graphs, dtype ?? 'fp32') ?? (dtype === undefined && graphs.length === 1 ? only : undefined);
  if (graph !== undefined) return join(directory, graph);
  const [missing, remedy] =
    graphs.length === 0
      ? [
          'onnx/model.onnx or model.onnx',
          'export the model to ONNX first, for example with Optimum: optimum-cli export onnx --model ID DIR',
        ]
      : [
          `a graph with ${dtype ?? 'fp32'} weights`,
          `it holds ${graphs.sort().join(', ')}: name one of them as the source, or its --dtype`,
        ];
  throw incomplete(directory, missing, remedy);
}

type Json = { readonly [key: string]: unknown };

/** config.json, or what ONNX Runtime GenAI's builder writes in its place, in config.json's own words. */
async function readSettings(directory: string): Promise<Json> {
  if ((await isFile(join(directory, 'config.json'))) || !(await isFile(join(directory, 'genai_config.json')))) {
    return readJson(directory, 'config.json', 'the configuration that came with the model');
  }
  const { model } = await readJson(directory, 'genai_config.json', 'the configuration that the builder wrote');
  const settings = (typeof model === 'object' && model !== null ? model : {}) as Json;
  const { type, context_length, head_size, decoder, ...others } = settings;
  const ofDecoder = (typeof decoder === 'object' && decoder !== null ? decoder : {}) as Json;
  return {
    ...others,
    ...ofDecoder,
    model_type: type,
    max_position_embeddings: context_length,
    head_dim: ofDecoder.head_size ?? head_size,
  };
}

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
