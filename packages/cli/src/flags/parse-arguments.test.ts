import { expect, test } from 'vitest';
import type { Flag } from './flag.js';
import { parseArguments } from './parse-arguments.js';

const flags: Flag[] = [
  { name: 'index', value: 'DIR', help: '' },
  { name: 'limit', value: 'N', help: '' },
  { name: 'min-score', value: 'S', help: '' },
  { name: 'mentions', value: 'HOW', help: '' },
  { name: 'allow-host', value: 'HOST', repeated: true, help: '' },
  { name: 'all', help: '' },
  { name: 'json', help: '' },
];
const parse = (...words: string[]) =>
  parseArguments(words, flags, { title: 'ner-retriever search', usage: 'ner-retriever search "TYPE" --index DIR' });

test('flags, their values and operands, in any order', () => {
  const read = parse('dinosaur', '--index', 'wiki.index', '--limit=3', '--min-score', '-0.25', '--all');
  expect(read.operands).toEqual(['dinosaur']);
  expect(read.required('index')).toBe('wiki.index');
  expect(read.integer('limit', 1)).toBe(3);
  expect(read.number('min-score')).toBe(-0.25);
  expect(read.has('all')).toBe(true);
  expect(read.has('json')).toBe(false);
  expect(read.text('mentions')).toBeUndefined();
});

test('"--" ends the flags, "-" is standard input', () => {
  expect(parse('--', '--all').operands).toEqual(['--all']);
  expect(parse('-', '--index', '-').operands).toEqual(['-']);
});

test('a repeated flag keeps all its values', () => {
  expect(parse('--allow-host', 'a', '--allow-host', 'b').all('allow-host')).toEqual(['a', 'b']);
});

test.each([
  [
    'an unknown flag, with the nearest',
    ['--lmit', '3'],
    /Unknown option "--lmit" for ner-retriever search\. .*Did you mean "--limit"\?/,
  ],
  ['an unknown flag, nothing near', ['--zzzzz'], /Unknown option "--zzzzz"/],
  ['an unknown short flag', ['-x'], /Unknown option "-x"/],
  ['a missing value', ['--index'], /Expected a value \(DIR\) for --index, but received none/],
  ['an empty value', ['--index='], /Expected a value \(DIR\) for --index/],
  ['a flag for a value', ['--index', '--all'], /Expected a value \(DIR\) for --index, but received the flag --all/],
  ['a value where none belongs', ['--all=yes'], /Expected no value for --all, but received "yes"/],
  ['a flag twice', ['--limit', '1', '--limit', '2'], /Expected one value for --limit/],
  ['a prototype name', ['--constructor'], /Unknown option "--constructor"/],
])('%s is refused', (_, words, message) => {
  expect(() => parse(...words)).toThrow(message);
  expect(() => parse(...words)).toThrow(expect.objectContaining({ exitCode: 2 }));
});

test.each([
  ['limit', '0'],
  ['limit', '1.5'],
  ['limit', 'ten'],
  ['limit', '-1'],
  ['limit', '99999999999999999999'],
])('--%s %s is no whole number from 1', (flag, value) => {
  expect(() => parse(`--${flag}=${value}`).integer('limit', 1)).toThrow(/Expected a whole number from 1 for --limit/);
});

test('numbers and choices are checked', () => {
  expect(() => parse('--min-score', 'high').number('min-score')).toThrow(
    /Expected a number for --min-score, but received "high"/,
  );
  expect(() => parse('--min-score', '0x10').number('min-score')).toThrow(/Expected a number/);
  expect(parse('--mentions', 'given').choice('mentions', ['given', 'detect'])).toBe('given');
  expect(() => parse('--mentions', 'both').choice('mentions', ['given', 'detect'])).toThrow(
    /Expected given or detect for --mentions, but received "both"/,
  );
});

test('what is required, and what excludes each other', () => {
  expect(() => parse().required('index')).toThrow(
    'Expected --index, but received none. Usage: ner-retriever search "TYPE" --index DIR',
  );
  expect(() => parse('--all', '--json').exclusive('all', 'json')).toThrow(
    'Expected --all or --json, but received both.',
  );
});
