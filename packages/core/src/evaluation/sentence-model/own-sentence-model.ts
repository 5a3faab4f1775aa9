import type { ModelFolder } from '../../model/model-folder.js';
import { SentenceModel } from './sentence-model.js';

/** Where a model folder keeps its sentence head, if it has one; listed under `files` of its model.json. */
export const sentenceHeadFile = 'sentence-head.safetensors';

/**
 * The dense baseline that comes with a model: the mean of its tap over a text's own tokens, through a head that was trained for it on
 * the same texts with the same loss as the head over mentions. Only the pooling differs. Null for a model without such a head.
 */
export async function openOwnSentenceModel(
  model: Pick<ModelFolder, 'description' | 'path'>,
): Promise<SentenceModel | null> {
  const { encoder, tokenizer, padding, maximumTokens, name, files } = model.description;
  if (!Object.hasOwn(files, sentenceHeadFile)) return null;
  return SentenceModel.of(`${name}, sentence head`, {
    directory: model.path('.'),
    graph: model.path(encoder.file),
    tokenizer: model.path(tokenizer),
    paddingId: padding.id,
    maximumTokens,
    pooling: 'mean',
    ownTokensOnly: true,
    head: model.path(sentenceHeadFile),
    output: encoder.outputs.tap,
    prompts: { query: '', document: '' },
    hasLayersBehindPooling: false,
  });
}
