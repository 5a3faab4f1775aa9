import type { ExampleMention, TypePart, TypeQuery } from './type-query.js';

/**
 * What is searched for, in a line to read: a description as it was written, a combination as
 * `"company" and "car maker"^2 not "railway company" like "[[Toyota]] opened a plant."`
 */
export function describeTypeQuery(query: TypeQuery): string {
  if (typeof query === 'string') return query;
  const { all = [], not = [], examples = [] } = query;
  return [
    all.map(part).join(' and '),
    ...not.map((each) => `not ${part(each)}`),
    ...listed('like', examples.map(example)),
  ]
    .filter((each) => each !== '')
    .join(' ');
}

function listed(word: string, parts: readonly string[]): string[] {
  return parts.length === 0 ? [] : [`${word} ${parts.join(', ')}`];
}

function part(value: TypePart): string {
  return typeof value === 'string' ? quoted(value) : quoted(value.description) + caret(value.weight);
}

function example(value: ExampleMention): string {
  if (typeof value === 'string') return quoted(value);
  const { text, start, end, weight } = value;
  if (start === undefined || end === undefined) return quoted(text) + caret(weight);
  // A long text is not to be read here: the mention and some words about it are.
  const from = Math.max(0, start - shownAround);
  const to = Math.min(text.length, end + shownAround);
  const before = `${from > 0 ? '…' : ''}${text.slice(from, start)}`;
  const behind = `${text.slice(end, to)}${to < text.length ? '…' : ''}`;
  return quoted(`${before}[[${text.slice(start, end)}]]${behind}`) + caret(weight);
}

/** Characters. */
const shownAround = 40;

function quoted(text: string): string {
  return `"${text}"`;
}

function caret(weight: number | undefined): string {
  return weight === undefined ? '' : `^${weight}`;
}
