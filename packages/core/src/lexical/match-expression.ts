import { stopWords } from './stop-words.js';

/** The characters that the unicode61 tokenizer keeps inside a word; marks stay, so that a decomposed é does not split its word. */
const word = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;

/**
 * The FTS5 expression that finds documents with any word of the query, or null when the query has no words. Every word is
 * quoted, so nothing in a query is ever read as FTS5 syntax. Stop words are taken out, unless nothing else is there ("The Who").
 */
export function matchExpression(query: string): string | null {
  const words = [...new Set(query.toLowerCase().match(word))];
  const telling = words.filter((each) => !stopWords.has(each));
  const chosen = telling.length > 0 ? telling : words;
  return chosen.length > 0 ? chosen.map((each) => `"${each}"`).join(' OR ') : null;
}
