import { componentsOf, isPieceList, readTokenizerFile } from './tokenizer-file.js';

/**
 * The highest id that a tokenizer.json can give, added tokens and those round a text included: a model needs an embedding row
 * for it.
 *
 * @throws NerRetrieverError MODEL_INVALID where the file is no tokenizer.json.
 */
export function highestTokenId(path: string): number {
  const { model, added_tokens = [], post_processor } = readTokenizerFile(path);
  let highest = isPieceList(model.vocab) ? model.vocab.length - 1 : -1;
  const consider = (id: unknown) => {
    if (typeof id === 'number' && id > highest) highest = id;
  };
  if (!isPieceList(model.vocab)) for (const id of Object.values(model.vocab)) consider(id);
  for (const { id } of added_tokens) consider(id);
  for (const { special_tokens, cls, sep } of componentsOf(post_processor)) {
    const template = Object.values((special_tokens ?? {}) as { [token: string]: { ids: number[] } });
    for (const { ids } of template) ids.forEach(consider);
    for (const pair of [cls, sep]) if (Array.isArray(pair)) consider(pair[1]);
  }
  return highest;
}
