import type { ExampleMention, TypePart, TypeQuery } from '@ner-retriever/core';
import type { Arguments } from './arguments.js';
import type { Flag } from './flag.js';

/** Flags that say more of a type than its TYPE. */
export const typeQueryFlags: readonly Flag[] = [
  { name: 'and', value: 'TYPE', repeated: true, help: 'what it is at once; "TYPE^2" counts twice' },
  { name: 'not', value: 'TYPE', repeated: true, help: 'what it is not' },
  {
    name: 'example',
    value: 'TEXT',
    repeated: true,
    help: 'a mention of one, marked in its sentence: "[[Toyota]] opened a plant." (or the mention alone, which tells less)',
  },
];

/** What to search for by TYPE and the flags beside it; undefined where none of them is there. */
export function readTypeQuery(words: Arguments, type: string | undefined): TypeQuery | undefined {
  const [and, not, examples] = [words.all('and'), words.all('not'), words.all('example')];
  // Alone, a TYPE is taken as it was written: there is nothing that it could outweigh.
  if (and.length + not.length + examples.length === 0) return type;
  return {
    all: [...(type === undefined ? [] : [type]), ...and].map(readPart),
    not: not.map(readPart),
    examples: examples.map((text) => readExample(words, text)),
  };
}

function readPart(text: string): TypePart {
  const { words: description, weight } = readWeight(text);
  return weight === undefined ? description : { description, weight };
}

function readExample(words: Arguments, given: string): ExampleMention {
  const { words: marked, weight } = readWeight(given);
  const counts = weight === undefined ? {} : { weight };
  const [before = '', behind, ...more] = marked.split('[[');
  if (behind === undefined && !marked.includes(']]')) return weight === undefined ? marked : { text: marked, weight };
  const [mention = '', after, ...others] = (behind ?? '').split(']]');
  if (after === undefined || more.length + others.length > 0 || before.includes(']]')) {
    words.refuse('one mention in [[ and ]] for --example', JSON.stringify(given));
  }
  return { text: `${before}${mention}${after}`, start: before.length, end: before.length + mention.length, ...counts };
}

/** A caret and a number at the end are a weight, as in Lucene's queries; every other caret is part of the words. */
function readWeight(text: string): { readonly words: string; readonly weight?: number } {
  const [, words, weight] = /^(.*\S)\s*\^(\d+(?:\.\d+)?|\.\d+)\s*$/s.exec(text) ?? [];
  return words === undefined ? { words: text } : { words, weight: Number(weight) };
}
