import { basename } from 'node:path';
import { NerRetrieverError } from '../errors.js';
import { corpusLines } from './corpus-lines.js';
import type { LabelledDocument, LabelledMention, LabelledType } from './labelled-corpus.js';

/** How a data set writes tokens and their tags, one a line, the token first and the tag last: O, B-Type or I-Type. */
export interface TaggedFormat {
  /** A token line as messages show it. */
  readonly tokenLine: string;
  readonly separator: string;
  /** Fields of a token line. */
  readonly fields: number;
  readonly types: readonly LabelledType[];
  /** Sentences begin with a line `# id …`. Where they do not, blank lines part them, and "FILE:LINE" of the first token is the id. */
  readonly headed: boolean;
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
  const knownTypes = new Set(format.types.map(({ type }) => type));
  let sentence: SentenceUnderWay | null = null;
  for await (const { number, text: line } of corpusLines(file)) {
    const malformed = (expected: string): NerRetrieverError =>
      new NerRetrieverError('CORPUS_MALFORMED', { file, line: number, expected, received: JSON.stringify(line) });

    const id = format.headed ? /^# id (\S+)/.exec(line)?.[1] : undefined;
    const blank = line.trim() === '';
    if (id !== undefined || (blank && !format.headed)) {
      if (sentence !== null) yield sentence.finish();
      sentence = id === undefined ? null : new SentenceUnderWay(id);
    }
    if (id !== undefined || blank) continue;

    if (sentence === null) {
      if (format.headed) throw malformed('a line "# id …" before the first token');
      sentence = new SentenceUnderWay(`${basename(file)}:${number}`);
    }
    const fields = line.split(format.separator);
    const token = fields[0];
    const tag = fields.at(-1);
    if (fields.length !== format.fields || !token || !tag) throw malformed(`a token line "${format.tokenLine}"`);
    if (tag === 'O') {
      sentence.add(token);
      continue;
    }
    const [, position, type] = /^([BI])-(.+)$/.exec(tag) ?? [];
    if (type === undefined || !knownTypes.has(type)) {
      throw malformed(`the tag O, or B- or I- and one of: ${[...knownTypes].join(', ')}`);
    }
    if (position === 'B') sentence.begin(token, type);
    else if (!sentence.extend(token, type)) throw malformed(`B-${type} or I-${type} on the token before an I-${type}`);
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

  /** Adds a token outside every mention. */
  add(token: string): void {
    this.#close();
    this.#append(token);
  }

  /** Adds the first token of a mention. */
  begin(token: string, type: string): void {
    this.#close();
    const start = this.#append(token);
    this.#open = { start, end: this.#text.length, types: [type] };
  }

  /** Adds a further token of the mention under way; false where there is none of that type. */
  extend(token: string, type: string): boolean {
    if (!this.#open?.types.includes(type)) return false;
    this.#append(token);
    this.#open = { ...this.#open, end: this.#text.length };
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
