import { expect, test } from 'vitest';
import { maximumTokens } from './maximum-tokens.js';

test.each([
  [{ model_type: 'bert', max_position_embeddings: 512 }, null, 512],
  [{ model_type: 'bert', max_position_embeddings: 512 }, { model_max_length: 128 }, 128],
  [{ model_type: 'bert', max_position_embeddings: 512 }, { model_max_length: 1e30 }, 512],
  [{ model_type: 'roberta', max_position_embeddings: 514, pad_token_id: 1 }, null, 512],
  [{ model_type: 'xlm-roberta', max_position_embeddings: 514 }, { model_max_length: 512 }, 512],
  [{ model_type: 'deberta-v2', max_position_embeddings: 512, position_biased_input: false }, null, Infinity],
  [{ model_type: 'deberta-v2', max_position_embeddings: 512 }, null, 512],
  [{ model_type: 'gpt2', n_positions: 1024 }, null, 1024],
  [{}, null, Infinity],
])('%j, %j: %d', (config, tokenizerConfig, most) => {
  expect(maximumTokens(config, tokenizerConfig)).toBe(most);
});
