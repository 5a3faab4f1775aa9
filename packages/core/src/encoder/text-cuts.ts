import { componentsOf, isPieceList, type TokenizerComponent, type TokenizerFile } from './tokenizer-file.js';

/** What a tokenizer lets be known of a text's parts. */
export interface TextCuts {
  /** True where a text cut before a space between two letters or digits has the tokens of the whole. */
  readonly beforeSpaces: boolean;
  /** False where the pre-tokenizer leaves a text whole, so that its words are not the words of the text. */
  readonly words: boolean;
}

/**
 * Reads from a tokenizer's components how long texts may be cut. Only what is known to look no further than a space is
 * trusted; with anything else a text stays whole, which costs memory and no correctness.
 */
export function textCuts(file: TokenizerFile): TextCuts {
  const normalizers = componentsOf(file.normalizer);
  const preTokenizers = componentsOf(file.pre_tokenizer);
  const marksSpaces =
    normalizers.some((one) => isSpaceMark(one)) || preTokenizers.some(({ type }) => type === 'Metaspace');
  const words = preTokenizers.some(splitsAtSpaces);
  const known =
    normalizers.every(isLocalNormalizer) &&
    preTokenizers.every((one) => splitsAtSpaces(one) || isLocalPreTokenizer(one, marksSpaces)) &&
    (file.added_tokens ?? []).every(isLocalToken);
  return { words, beforeSpaces: known && (words || (marksSpaces && beginsAtMarks(file))) };
}

/** Where to end a part of a text at or behind `from`: a space between two letters or digits; the text's end if none is left. */
export function nextCut(text: string, from: number): number {
  const place = /(?<=[\p{L}\p{N}]) (?=[\p{L}\p{N}])/gu;
  place.lastIndex = from;
  return place.exec(text)?.index ?? text.length;
}

/** They change characters one by one, or the text's beginning, which only the first part has. */
const localNormalizers = new Set([
  'BertNormalizer',
  'ByteLevel',
  'Lowercase',
  'NFC',
  'NFD',
  'NFKC',
  'NFKD',
  'Nmt',
  'Precompiled',
  'Prepend',
  'StripAccents',
]);

/** Patterns of XLM-RoBERTa's and DeBERTa's converters, which one space between words never matches. */
const severalSpaces = new Set([' {2,}', '\\s{2,}|[\\n\\r\\t]']);

function isLocalNormalizer(component: TokenizerComponent): boolean {
  if (component.type === 'Strip') return component.strip_left === false;
  if (component.type !== 'Replace') return localNormalizers.has(component.type);
  const { String: text, Regex: regex } = patternOf(component);
  return isSpaceMark(component) || severalSpaces.has(regex ?? '') || (text !== undefined && !/^ ?$|\S \S/.test(text));
}

function isSpaceMark(component: TokenizerComponent): boolean {
  return component.type === 'Replace' && patternOf(component).String === ' ' && component.content === '▁';
}

function splitsAtSpaces(component: TokenizerComponent): boolean {
  switch (component.type) {
    case 'BertPreTokenizer':
    case 'Whitespace':
    case 'WhitespaceSplit':
      return true;
    case 'ByteLevel':
      return component.use_regex !== false;
    case 'Metaspace':
      return component.split !== false;
    case 'Split':
      // What GPT-2's pattern and its descendants have in common: a word takes the space before it, and none behind it.
      return patternOf(component).Regex?.endsWith('|\\s+(?!\\S)|\\s+') === true && component.behavior === 'Isolated';
    default:
      return false;
  }
}

/** They split at other places than spaces, and by neighbouring characters alone. */
function isLocalPreTokenizer(component: TokenizerComponent, marksSpaces: boolean): boolean {
  if (component.type !== 'Split') return ['ByteLevel', 'Digits', 'Metaspace', 'Punctuation'].includes(component.type);
  const { String: text, Regex: regex } = patternOf(component);
  if (text === ' ') return marksSpaces;
  return regex === '\\p{N}' || regex === '\\p{N}{1,3}';
}

function isLocalToken(token: NonNullable<TokenizerFile['added_tokens']>[number]): boolean {
  return token.special || !(token.lstrip || token.rstrip || /\S \S/.test(token.content));
}

/** True where no piece goes on behind a space: a word's pieces then do not depend on the words before it. */
function beginsAtMarks({ model: { vocab } }: TokenizerFile): boolean {
  const pieces = isPieceList(vocab) ? vocab.map(([piece]) => piece) : Object.keys(vocab);
  return pieces.every((piece) => !/[^▁]▁/.test(piece));
}

function patternOf({ pattern }: TokenizerComponent): { readonly String?: string; readonly Regex?: string } {
  return (pattern ?? {}) as { String?: string; Regex?: string };
}
