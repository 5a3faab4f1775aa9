import type { Json } from './detector-folder.js';

/** Families that count positions from behind the padding token's id, so that the first ones are never used. */
const OFFSET_FAMILIES = new Set([
  'roberta',
  'xlm-roberta',
  'xlm-roberta-xl',
  'camembert',
  'roberta-prelayernorm',
  'data2vec-text',
  'longformer',
  'mpnet',
  'xmod',
  'ibert',
  'luke',
]);

/**
 * The most tokens that a model takes at once, special ones counted: by its position embeddings and by its tokenizer's
 * configuration. Infinity where neither sets a limit.
 */
export function maximumTokens(config: Json, tokenizerConfig: Json | null): number {
  const limits = [positions(config), tokenizerConfig?.model_max_length];
  // A tokenizer without a limit says 1e30.
  return Math.min(...limits.map((limit) => (isCount(limit) && limit < 1e9 ? limit : Number.POSITIVE_INFINITY)));
}

function positions(config: Json): number | null {
  const most = config.max_position_embeddings ?? config.n_positions;
  // DeBERTa's positions are relative unless it says otherwise: its number is none of tokens.
  if (!isCount(most) || config.position_biased_input === false) return null;
  if (!OFFSET_FAMILIES.has(String(config.model_type))) return most;
  return most - (isCount(config.pad_token_id) ? config.pad_token_id : 1) - 1;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}
