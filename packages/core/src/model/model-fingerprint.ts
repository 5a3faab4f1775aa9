import { createHash } from 'node:crypto';
import type { ModelDescription } from './model-description.js';

/**
 * `sha256:…` over everything that decides a vector: two models with one fingerprint give the same vectors. The name, the
 * licence, the detector and the cut-off do not count: they decide no vector of a given mention.
 */
export function modelFingerprint(description: ModelDescription): string {
  const { encoder, tokenizer, head, tap, pooling, maximumTokens, files } = description;
  const facts = [
    files[encoder.file]?.sha256,
    encoder.outputs.tap,
    files[tokenizer]?.sha256,
    head === null ? null : files[head]?.sha256,
    [tap.block, tap.tensor, tap.dimensions],
    pooling,
    maximumTokens,
    ...(encoder.data ?? []).map((name) => files[name]?.sha256),
  ];
  return `sha256:${createHash('sha256').update(JSON.stringify(facts)).digest('hex')}`;
}
