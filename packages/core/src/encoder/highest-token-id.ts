import { Tokenizer } from 'tokenizers';

/** The highest id that a tokenizer.json can give, added tokens included. */
export function highestTokenId(path: string): number {
  let highest = 0;
  for (const id of Object.values(Tokenizer.fromFile(path).getVocab(true))) highest = Math.max(highest, id);
  return highest;
}
