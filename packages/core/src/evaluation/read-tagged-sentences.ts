import { basename } from 'node:path';
import { NerRetrieverError } from '../errors.js';
import { corpusLines } from './corpus-lines.js';
import type { LabelledDocument, LabelledMention, LabelledType } from './labelled-corpus.js';
import type { Tag, TagScheme } from './tag-scheme.js';

/** How a data set writes tokens and their tags, one a line, the token first and the tag last. */
export interface TaggedFormat {
  /** A token line as messages show it. */
  readonly tokenLine: string;
  readonly separator: string | RegExp;
  /** Fields of a token line; absent where there may be any number from 2. */
  readonly fields?: number;
  readonly scheme: TagScheme;
  /** Absent where any type may come. */
  readonly types?: readonly LabelledType[];
  /** Sentences begin with a line `# id …`. Where they do not, blank lines part them, and "FILE:LINE" of the first token is the id. */
  readonly headed?: boolean;
  /** Lines that are neither token nor end of a sentence. */
  isSkipped?(line: string, fields: readonly string[]): boolean;
}

/**
 * Reads files of tagged tokens (CoNLL). A sentence is a document, its tokens joined by single spaces; an id that comes again, in the
 * same file or another one, gets "#2", "#3", … behind it.
 */
export async function readTaggedSentences(files: readonly string[], format: TaggedFormat): Promise<LabelledDocument[]> {
  const documents: LabelledDocument[] = [];
  const timesSeen = new Map<string, number>();
  for (const file of files) {
    for await (const sentence of sentences(file, format)) {
      const times = (timesSeen.get(sentence.id) ?? 0) + 1;
      timesSeen.set(sentence.id, times);
      documents.push(times === 1 ? sentence : { ...sentence, id: `${sentence.id}#${times}` });
    }
  }
  return documents;
}

async function* sentences(file: string, format: TaggedFormat): AsyncGenerator<LabelledDocument> {
  const { scheme, types, headed = false } = format;
  const knownTypes = types && new Set(types.map(({ type }) => type));
  const tags = scheme.expected + (knownTypes ? ` and one of: ${[...knownTypes].join(', ')}` : '');
  let sentence: SentenceUnderWay | null = null;
  for await (const { number, text: line } of corpusLines(file)) {
    const malformed = (expected: string): NerRetrieverError =>
      new NerRetrieverError('CORPUS_MALFORMED', { file, line: number, expected, received: JSON.stringify(line) });

    const id = headed ? /^# id (\S+)/.exec(line)?.[1] : undefined;
    const blank = line.trim() === '';
    if (id !== undefined || (blank && !headed)) {
      if (sentence !== null) yield sentence.finish();
      sentence = id === undefined ? null : new SentenceUnderWay(id);
    }
    if (id !== undefined || blank) continue;

    const fields = line.trimEnd().split(format.separator);
    if (format.isSkipped?.(line, fields)) continue;
    if (sentence === null) {
      if (headed) throw malformed('a line "# id …" before the first token');
      sentence = new SentenceUnderWay(`${basename(file)}:${number}`);
    }
    const token = fields[0];
    const lastField = fields.at(-1);
    if (fields.length !== (format.fields ?? Math.max(fields.length, 2)) || !token || !lastField) {
      throw malformed(`a token line "${format.tokenLine}"`);
    }
    const tag = scheme.read(lastField);
    if (tag === null || (tag.position !== 'outside' && knownTypes?.has(tag.type) === false)) throw malformed(tags);
    if (!sentence.add(token, tag, scheme)) {
      throw malformed(`B-${tag.type} or I-${tag.type} on the token before an ${lastField}`);
    }
  }
  if (sentence !== null) yield sentence.finish();
}

class SentenceUnderWay {
  readonly #id: string;
  readonly #mentions: LabelledMention[] = [];
  #text = '';
  #open: LabelledMention | null = null;

  constructor(id: string) {
    this.#id = id;
  }

  /** Adds a token; false where its tag goes on with a mention that is not under way, and the scheme lets none begin so. */
  add(token: string, { position, type }: Tag, { insideBegins }: TagScheme): boolean {
    const goesOn = position === 'inside' || position === 'end';
    const extended = goesOn && this.#open?.types.includes(type) ? this.#open : null;
    if (goesOn && extended === null && (position === 'end' || !insideBegins)) return false;
    if (extended === null) this.#close();
    const start = this.#append(token);
    if (position !== 'outside') this.#open = { start: extended?.start ?? start, end: this.#text.length, types: [type] };
    if (position === 'end' || position === 'single') this.#close();
    return true;
  }

  finish(): LabelledDocument {
    this.#close();
    return { id: this.#id, text: this.#text, mentions: this.#mentions };
  }

  #append(token: string): number {
    if (this.#text !== '') this.#text += ' ';
    const start = this.#text.length;
    this.#text += token;
    return start;
  }

  #close(): void {
    if (this.#open !== null) this.#mentions.push(this.#open);
    this.#open = null;
  }
}
