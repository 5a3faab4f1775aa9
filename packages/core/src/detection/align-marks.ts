import type { Span } from '../mentions/mention.js';
import { type FoldedText, foldText } from './fold-text.js';
import { type Mark, type PairedMarks, pairMarks, type Side } from './pair-marks.js';
import { characterBefore, isWordCharacter, splitsWord } from './word-borders.js';

/** A mark of a generation that names no mention, and why. */
export interface MarkFailure {
  /**
   * `unpaired`: a mark without its partner; `empty`: two marks with nothing between; `not-in-text`: the text does not hold what is
   * marked; `ambiguous`: it holds it in several spellings, none of which is the marked one.
   */
  readonly reason: 'unpaired' | 'empty' | 'not-in-text' | 'ambiguous';
  /** What is marked; of an unpaired mark, the words beside it. */
  readonly marked: string;
}

/** What the marks of a generation say of a text. */
export interface Alignment {
  /** UTF-16 offsets in the text, by start; none lies within another. */
  readonly spans: readonly Span[];
  readonly failures: readonly MarkFailure[];
  /** Whether the generation holds a copy of the whole text, give or take white space, case, and the look of quotes and dashes. */
  readonly copied: boolean;
}

/**
 * Finds in a text what a generation marks: "##Xu Xing## described ##Microraptor##." The generation should copy the text and put two
 * hashes round each mention.
 *
 * Where it does, every mark has its very place, also within a word and beside hashes of the text itself, and what is said before and
 * after the copy does not count. Where it does not, each marked string is looked for in the text. Either way a mention counts wherever
 * the text holds it again, as a word of its own unless it was marked within one, and of mentions within each other the longest stays.
 */
export function alignMarks(text: string, generation: string): Alignment {
  const original = foldText(text);
  const found = marksOfCopy(text, original, generation) ?? marksOfRewriting(text, original, generation);
  const again = distinctMarked(text, found.mentions).flatMap(({ marked, cuts }) => occurrences(text, marked, cuts));
  return { spans: withoutNested([...found.mentions, ...again]), failures: found.failures, copied: found.copied };
}

/** A place of a mention, and whether it was marked within a word at either end. */
interface MarkedMention extends Span, Cuts {}

interface Cuts {
  readonly cutsStart: boolean;
  readonly cutsEnd: boolean;
}

interface Found {
  readonly mentions: readonly MarkedMention[];
  readonly failures: readonly MarkFailure[];
  readonly copied: boolean;
}

// A faithful copy

/** Null where the generation holds no copy of the text. */
function marksOfCopy(text: string, original: FoldedText, generation: string): Found | null {
  const copy = foldText(generation);
  const first = firstUnitOfCopy(original, copy, generation);
  if (first === null) return null;
  const gaps = gapsOf(text, original, generation, copy, first);
  const marks = gaps.flatMap((gap) => marksOfGap(gap, literalRuns(gap)));
  const result = pairMarks(marks);
  if (result.unpaired.length === 0) return copiedMentions(text, marks, result);
  // Perhaps the copy lacks the text's own hashes: then all of them are marks.
  const all = gaps.flatMap((gap) => marksOfGap(gap, new Map()));
  const otherwise = pairMarks(all);
  return otherwise.unpaired.length === 0 ? copiedMentions(text, all, otherwise) : copiedMentions(text, marks, result);
}

/** Where in the generation the copy of the text begins: the place with most marks, and the last of those. */
function firstUnitOfCopy({ units }: FoldedText, copy: FoldedText, generation: string): number | null {
  let best: number | null = null;
  let mostMarks = -1;
  for (let at = copy.units.indexOf(units); at >= 0; at = copy.units.indexOf(units, at + 1)) {
    const start = at === 0 ? 0 : (copy.ends[at] as number);
    const end = copy.starts[at + units.length] as number;
    if (
      splitsWord(generation, copy.starts[at] as number) ||
      splitsWord(generation, copy.ends[at + units.length] as number)
    )
      continue;
    const marks = generation.slice(start, end).split('##').length;
    if (marks >= mostMarks) {
      best = at;
      mostMarks = marks;
    }
    if (units === '') break;
  }
  return best;
}

/** What stands between two characters that text and copy share: white space, hashes, nothing. */
interface Gap {
  readonly inText: string;
  readonly inCopy: string;
  /** Ends of the gap in the text. */
  readonly start: number;
  readonly end: number;
  /** What the copy has on both sides of the gap. */
  readonly before: Side;
  readonly after: Side;
}

/** The gaps of the copy that hold a hash, in order. */
function gapsOf(text: string, original: FoldedText, generation: string, copy: FoldedText, first: number): Gap[] {
  const gaps: Gap[] = [];
  const { length } = original.units;
  for (let unit = 0; unit <= length; unit++) {
    let from = copy.ends[first + unit] as number;
    let to = copy.starts[first + unit] as number;
    // Beside the copy only the line that it stands in counts.
    if (unit === 0 && first > 0) from = Math.max(from, generation.lastIndexOf('\n', to - 1) + 1);
    if (unit === length && first + unit < copy.units.length) to = lineEnd(generation, from, to);
    const inCopy = generation.slice(from, to);
    if (!inCopy.includes('#')) continue;
    const start = original.ends[unit] as number;
    const end = original.starts[unit] as number;
    gaps.push({
      inText: text.slice(start, end),
      inCopy,
      start,
      end,
      before: sideOf(characterBefore(generation, from)),
      after: sideOf(characterAt(generation, to)),
    });
  }
  return gaps;
}

/** A mark with the places in the text where a mention begins if it opens one, and ends if it closes one. */
interface PlacedMark extends Mark {
  readonly opensAt: number;
  readonly closesAt: number;
}

/** The marks of a gap: its hashes in the copy but for the literal ones, which are the text's own. */
function marksOfGap(gap: Gap, literal: ReadonlyMap<number, number>): PlacedMark[] {
  const { inText, inCopy, start, end } = gap;
  return runsOf(inCopy).flatMap((run, place) => {
    const own = literal.get(place) ?? 0;
    // A lone hash belongs to the word that it is written to, "C#" and "#1"; two are markup.
    const mark: PlacedMark = {
      before: inCopy[run.start - 1] === undefined ? gap.before : 'space',
      after: inCopy[run.end] === undefined ? gap.after : 'space',
      opensAt: own === 1 && /(?<!#)#$/.test(inText) ? end - 1 : end,
      closesAt: own === 1 && /^#(?!#)/.test(inText) ? start + 1 : start,
    };
    return Array<PlacedMark>(Math.floor((run.end - run.start - own) / 2)).fill(mark);
  });
}

/** Which runs of hashes in the copy hold the text's own, and how many: place of the run -> hashes. */
function literalRuns({ inText, inCopy }: Gap): ReadonlyMap<number, number> {
  const literal = new Map<number, number>();
  const own = runsOf(inText);
  const runs = runsOf(inCopy);
  let next = 0;
  for (const [place, wanted] of own.entries()) {
    const length = wanted.end - wanted.start;
    const last = runs.length - (own.length - place);
    let best = -1;
    let bestScore = -1;
    for (let at = next; at <= last; at++) {
      const run = runs[at] as Span;
      const more = run.end - run.start - length;
      if (more < 0 || more % 2 === 1) continue;
      const score =
        (more === 0 ? 4 : 0) +
        Number(isSpace(inCopy[run.start - 1]) === isSpace(inText[wanted.start - 1])) +
        Number(isSpace(inCopy[run.end]) === isSpace(inText[wanted.end]));
      if (score > bestScore) {
        best = at;
        bestScore = score;
      }
    }
    if (best < 0) continue;
    literal.set(best, length);
    next = best + 1;
  }
  return literal;
}

function copiedMentions(text: string, marks: readonly PlacedMark[], { pairs, unpaired }: PairedMarks): Found {
  const mentions: MarkedMention[] = [];
  const failures: MarkFailure[] = [];
  for (const [opening, closing] of pairs) {
    const start = (marks[opening] as PlacedMark).opensAt;
    const end = (marks[closing] as PlacedMark).closesAt;
    if (start >= end) failures.push({ reason: 'empty', marked: '' });
    else mentions.push({ start, end, cutsStart: splitsWord(text, start), cutsEnd: splitsWord(text, end) });
  }
  for (const place of unpaired) {
    const mark = marks[place] as PlacedMark;
    failures.push({ reason: 'unpaired', marked: withNeighbours(mark, text, mark.closesAt, mark.opensAt) });
  }
  return { mentions, failures, copied: true };
}

// A rewriting: the marked strings are all there is to go by

function marksOfRewriting(text: string, original: FoldedText, generation: string): Found {
  const marks = runsOf(generation).flatMap((run) => {
    const mark = {
      before: sideOf(characterBefore(generation, run.start)),
      after: sideOf(characterAt(generation, run.end)),
    };
    return Array.from({ length: Math.floor((run.end - run.start) / 2) }, (_, place) => {
      const start = run.start + 2 * place;
      return { ...mark, start, end: start + 2 };
    });
  });
  const { pairs, unpaired } = pairMarks(marks);
  const mentions: MarkedMention[] = [];
  const failures: MarkFailure[] = [];
  for (const [opening, closing] of pairs) {
    const open = marks[opening] as (typeof marks)[number];
    const close = marks[closing] as (typeof marks)[number];
    const marked = generation.slice(open.end, close.start).replaceAll('##', '').trim();
    const cuts = {
      cutsStart: open.before === 'word' && open.after === 'word',
      cutsEnd: close.before === 'word' && close.after === 'word',
    };
    const spans = search(text, original, marked, cuts);
    if (typeof spans === 'string') failures.push({ reason: spans, marked });
    else mentions.push(...spans.map((span) => ({ ...span, ...cuts })));
  }
  for (const place of unpaired) {
    const mark = marks[place] as (typeof marks)[number];
    failures.push({ reason: 'unpaired', marked: withNeighbours(mark, generation, mark.start, mark.end) });
  }
  return { mentions, failures, copied: false };
}

/** Where the text holds a marked string: as it is written, or else in the one other spelling that the text has of it. */
function search(text: string, original: FoldedText, marked: string, cuts: Cuts): Span[] | MarkFailure['reason'] {
  const { units } = foldText(marked);
  if (units === '') return 'empty';
  const exact = occurrences(text, marked, cuts);
  if (exact.length > 0) return exact;
  const alike: Span[] = [];
  for (let at = original.units.indexOf(units); at >= 0; at = original.units.indexOf(units, at + 1)) {
    const start = original.starts[at] as number;
    const end = original.ends[at + units.length] as number;
    if (isWhole(text, start, end, cuts) && wordCount(text.slice(start, end)) === wordCount(marked))
      alike.push({ start, end });
  }
  const spellings = new Set(alike.map(({ start, end }) => text.slice(start, end)));
  if (spellings.size === 0) return 'not-in-text';
  return spellings.size === 1 ? alike : 'ambiguous';
}

// Texts

/** What is marked, each string once. */
function distinctMarked(text: string, mentions: readonly MarkedMention[]): { marked: string; cuts: Cuts }[] {
  const distinct = new Map<string, { marked: string; cuts: Cuts }>();
  for (const { start, end, ...cuts } of mentions) {
    const marked = text.slice(start, end);
    distinct.set(`${cuts.cutsStart} ${cuts.cutsEnd} ${marked}`, { marked, cuts });
  }
  return [...distinct.values()];
}

/** The places of a string in a text, which do not overlap. */
function occurrences(text: string, marked: string, cuts: Cuts): Span[] {
  const spans: Span[] = [];
  for (let start = text.indexOf(marked); start >= 0; ) {
    const end = start + marked.length;
    const whole = isWhole(text, start, end, cuts);
    if (whole) spans.push({ start, end });
    start = text.indexOf(marked, whole ? end : start + 1);
  }
  return spans;
}

/** Whether a place begins and ends with a word, as far as the marked one does. */
function isWhole(text: string, start: number, end: number, { cutsStart, cutsEnd }: Cuts): boolean {
  return (cutsStart || !splitsWord(text, start)) && (cutsEnd || !splitsWord(text, end));
}

/** By start; repeats and what lies within another are left out. */
function withoutNested(spans: readonly Span[]): Span[] {
  const sorted = spans.toSorted((a, b) => a.start - b.start || b.end - a.end);
  let reached = -1;
  const kept: Span[] = [];
  for (const { start, end } of sorted) {
    if (end <= reached) continue;
    reached = end;
    kept.push({ start, end });
  }
  return kept;
}

/** The runs of hashes in a string. */
function runsOf(text: string): Span[] {
  return Array.from(text.matchAll(/#+/g), ({ index, 0: run }) => ({ start: index, end: index + run.length }));
}

/** A mark between the word before it and the word behind it. */
function withNeighbours({ before, after }: Mark, text: string, start: number, end: number): string {
  const last = /\S*$/.exec(text.slice(Math.max(0, start - besideCharacters), start).trimEnd())?.[0] ?? '';
  const first = /^\S*/.exec(text.slice(end, end + besideCharacters).trimStart())?.[0] ?? '';
  return `${last}${before === 'space' ? ' ' : ''}##${after === 'space' ? ' ' : ''}${first}`.trim();
}

const besideCharacters = 30;

function sideOf(character: string): Side {
  if (character === '' || /\s/.test(character)) return 'space';
  return isWordCharacter(character) ? 'word' : 'symbol';
}

function characterAt(text: string, offset: number): string {
  return offset < text.length ? String.fromCodePoint(text.codePointAt(offset) as number) : '';
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && /\s/.test(character);
}

function lineEnd(text: string, from: number, to: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? to : Math.min(to, end);
}

function wordCount(text: string): number {
  return text.split(/\s+/).length;
}
