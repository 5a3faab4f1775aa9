import type { TextTokenizer } from '../encoder/text-tokenizer.js';
import type { DetectorFolder, Json } from './detector-folder.js';
import { maximumTokens } from './maximum-tokens.js';

/** What of gliner_config.json decides how a model is fed. */
export interface GlinerConfig {
  /** Words of the widest span. */
  readonly maximumWidth: number;
  /** Words of a text that the model was trained to take. */
  readonly maximumWords: number;
  /** Tokens that its backbone takes, labels and special tokens counted; Infinity where it sets no limit. */
  readonly maximumTokens: number;
  /** Tokens that it has embeddings for, as far as the configuration says. */
  readonly vocabularySize: number | null;
  /** Stands before each label. */
  readonly labelToken: string;
  /** Stands behind the last label. */
  readonly separatorToken: string;
  readonly paddingId: number;
}

/** @throws NerRetrieverError DETECTOR_MODEL_INVALID. */
export async function readGlinerConfig(folder: DetectorFolder, tokenizer: TextTokenizer): Promise<GlinerConfig> {
  const { fault } = folder;
  const config = await folder.json('gliner_config.json');
  const invalid = (field: string, expected: string, received: unknown, remedy: string) =>
    fault(`${field} in gliner_config.json`, expected, JSON.stringify(received) ?? 'none', remedy);
  const copy = 'Copy gliner_config.json from where the model is from.';

  const {
    words_splitter_type: splitter = 'whitespace',
    precomputed_prompts_mode: precomputed,
    labels_encoder,
  } = config;
  if (splitter !== 'whitespace') {
    throw invalid('words_splitter_type', '"whitespace"', splitter, 'Use a model that splits words so.');
  }
  if (precomputed === true) {
    throw invalid(
      'precomputed_prompts_mode',
      'false',
      precomputed,
      'Export the model before its prompts are compressed.',
    );
  }
  if (labels_encoder !== undefined && labels_encoder !== null) {
    throw invalid(
      'labels_encoder',
      'none',
      labels_encoder,
      'Use a model with one encoder: those with two are not read.',
    );
  }
  const count = (field: string, fallback: number) => {
    const value = config[field] ?? fallback;
    if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number;
    throw invalid(field, 'a whole number of at least 1', value, copy);
  };
  const token = (field: string, fallback: string) => {
    const value = config[field] ?? fallback;
    if (typeof value !== 'string' || value === '') throw invalid(field, 'a token', value, copy);
    if (tokenizer.idOf(value) !== null) return value;
    const remedy = 'Copy the tokenizer that was saved with the model.';
    throw fault(
      'tokenizer.json',
      `the token ${value} that gliner_config.json names`,
      'a vocabulary without it',
      remedy,
    );
  };
  const labelToken = token('ent_token', '<<ENT>>');
  const { class_token_index: classToken } = config;
  if (typeof classToken === 'number' && classToken >= 0 && classToken !== tokenizer.idOf(labelToken)) {
    const received = String(tokenizer.idOf(labelToken));
    const remedy = 'Copy the tokenizer that was saved with the model.';
    throw fault('tokenizer.json', `the id ${classToken} for ${labelToken}`, received, remedy);
  }
  const encoder = (config.encoder_config ?? {}) as Json;
  const sizes = [config.vocab_size, encoder.vocab_size];
  return {
    maximumWidth: count('max_width', 12),
    maximumWords: count('max_len', 384),
    maximumTokens: maximumTokens(encoder, await folder.optionalJson('tokenizer_config.json')),
    vocabularySize: sizes.find((size): size is number => typeof size === 'number' && size > 0) ?? null,
    labelToken,
    separatorToken: token('sep_token', '<<SEP>>'),
    paddingId: typeof encoder.pad_token_id === 'number' ? encoder.pad_token_id : 0,
  };
}
