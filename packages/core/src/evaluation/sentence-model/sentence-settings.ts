import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NerRetrieverError } from '../../errors.js';
import { openSourceFolder } from '../../model/source-folder.js';
import { type SentencePooling, sentencePoolings } from './pool-sentences.js';

/** How a folder's sentence model turns a text into one vector. */
export interface SentenceSettings {
  /** Absolute paths. */
  readonly directory: string;
  readonly graph: string;
  readonly tokenizer: string;
  readonly paddingId: number;
  /** Special tokens included; longer texts are cut behind, as the model's own library does. */
  readonly maximumTokens: number;
  readonly pooling: SentencePooling;
  /** Whether special tokens are left out of the pooling, as a model's own sentence head wants it. */
  readonly ownTokensOnly: boolean;
  /** A projection head behind the pooling, absolute path. */
  readonly head: string | null;
  /** The graph's output that is read; null: the one that sentence models usually have. */
  readonly output: string | null;
  /** What is written before a type's name and before a document. */
  readonly prompts: { readonly query: string; readonly document: string };
  /** Whether layers follow the pooling that only the graph itself can hold. */
  readonly hasLayersBehindPooling: boolean;
}

/**
 * Reads a folder as sentence-transformers writes it, with an ONNX graph in it. What it says nothing of: mean pooling, no prompts.
 *
 * @throws NerRetrieverError MODEL_SOURCE_INCOMPLETE
 */
export async function readSentenceSettings(source: string): Promise<SentenceSettings> {
  const { directory, graph, tokenizer, config, tokenizerLimit } = await openSourceFolder(source);
  const read = (file: string) => readOptional(directory, file);
  const modules = (await readJson(directory, 'modules.json')) ?? [];
  if (!Array.isArray(modules)) throw incomplete(directory, 'a list in modules.json', 'copy it again');
  const { max_seq_length: ownLimit } = await read('sentence_bert_config.json');
  const { prompts, default_prompt_name: usual } = await read('config_sentence_transformers.json');
  const prompt = (...names: readonly unknown[]) =>
    names.map((name) => (prompts as Json | undefined)?.[String(name)]).find(isText) ?? '';
  const limits = [ownLimit ?? tokenizerLimit, config.maximumPositions].filter((limit) => typeof limit === 'number');
  return {
    directory,
    graph,
    tokenizer,
    paddingId: config.paddingId,
    maximumTokens: Math.min(...(limits.length > 0 ? limits : [512])),
    pooling: poolingOf(directory, await read('1_Pooling/config.json')),
    ownTokensOnly: false,
    head: null,
    output: null,
    prompts: { query: prompt('query', usual), document: prompt('document', 'passage', 'corpus', usual) },
    hasLayersBehindPooling: modules.some((module) => /\bDense$/.test(String((module as Json | null)?.type))),
  };
}

/** sentence-transformers wrote a switch for each pooling before its version 6, and writes the name of one since. */
function poolingOf(directory: string, config: Json): SentencePooling {
  const switched = Object.entries(config).filter(([key, value]) => key.startsWith('pooling_mode_') && value === true);
  const { pooling_mode: named = switched.map(([key]) => key.slice(13).replace('_tokens', '').replace('_token', '')) } =
    config;
  if (Array.isArray(named) && named.length === 0) return 'mean';
  const name = Array.isArray(named) && named.length === 1 ? named[0] : named;
  const pooling = sentencePoolings.find((each) => each === name);
  if (pooling === undefined) {
    const missing = `one pooling of ${sentencePoolings.join(', ')} in 1_Pooling/config.json`;
    throw incomplete(
      directory,
      missing,
      `it asks for ${JSON.stringify(named)}, which is not known: name another model`,
    );
  }
  if (config.include_prompt === false) {
    throw incomplete(directory, 'a pooling that takes the prompt in', 'this model leaves it out: name another model');
  }
  return pooling;
}

type Json = Readonly<Record<string, unknown>>;

async function readOptional(directory: string, file: string): Promise<Json> {
  const value = (await readJson(directory, file)) ?? {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Json;
  throw incomplete(directory, `a JSON object in ${file}`, 'copy it again');
}

/** Undefined where there is no such file. */
async function readJson(directory: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(directory, file), 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw incomplete(directory, `a ${file} that can be read`, `copy it again (${(cause as Error).message})`);
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function incomplete(directory: string, missing: string, remedy: string): NerRetrieverError {
  return new NerRetrieverError('MODEL_SOURCE_INCOMPLETE', { directory, missing, remedy });
}
