import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { nextCut, textCuts } from './text-cuts.js';
import { readTokenizerFile, type TokenizerFile } from './tokenizer-file.js';

const folder = fileURLToPath(new URL('../../../../test/fixtures/tokenizers/', import.meta.url));
const llama2 = readTokenizerFile(`${folder}llama2.json`);

test.each(readdirSync(folder))('texts may be cut with %s', (name) => {
  expect(textCuts(readTokenizerFile(folder + name)).beforeSpaces).toBe(true);
});

test("texts may be cut with DeBERTa's normaliser and pre-tokenizer", () => {
  const spaces = { type: 'Replace', pattern: { Regex: '\\s{2,}|[\\n\\r\\t]' }, content: ' ' };
  const strip = { type: 'Strip', strip_left: false, strip_right: true };
  const normalizer = { type: 'Sequence', normalizers: [spaces, { type: 'NFC' }, strip] };
  const pre_tokenizer = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
  expect(textCuts({ ...llama2, normalizer, pre_tokenizer })).toEqual({ beforeSpaces: true, words: true });
});

describe('texts are left whole where', () => {
  const cases: [string, Partial<TokenizerFile>][] = [
    ['a normaliser is not known', { normalizer: { type: 'Unheard' } }],
    ['leading spaces are stripped', { normalizer: { type: 'Strip', strip_left: true, strip_right: true } }],
    ['spaces are taken out', { normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '' } }],
    ['spaces are not marked', { normalizer: null }],
    ['a pattern is not known', { pre_tokenizer: { type: 'Split', pattern: { Regex: '.+' }, behavior: 'Isolated' } }],
    ['a pre-tokenizer is not known', { pre_tokenizer: { type: 'UnicodeScripts' } }],
    ['a piece goes on behind a space', { model: { ...llama2.model, vocab: { 'New▁York': 0, '▁': 1 } } }],
    [
      'an added token takes the spaces round it',
      { added_tokens: [{ id: 0, content: 'x', special: false, lstrip: true, rstrip: false }] },
    ],
    [
      'an added token has a space inside',
      { added_tokens: [{ id: 0, content: 'New York', special: false, lstrip: false, rstrip: false }] },
    ],
  ];
  test.each(cases)('%s', (_, change) => {
    expect(textCuts({ ...llama2, ...change }).beforeSpaces).toBe(false);
  });
});

test('a cut stands before a space between two letters or digits, or at the end', () => {
  const text = 'one. Two  three\nfour ６ 𝕊 seven';
  expect(nextCut(text, 0)).toBe(text.indexOf(' ６'));
  expect(nextCut(text, text.indexOf(' ６') + 1)).toBe(text.indexOf(' 𝕊'));
  expect(nextCut('東京都の人口', 0)).toBe(6);
});
