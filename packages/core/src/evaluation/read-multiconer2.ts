import { readFile } from 'node:fs/promises';
import { NerRetrieverError } from '../errors.js';
import type { LabelledCorpus, LabelledDocument, LabelledMention } from './labelled-corpus.js';
import { multiconer2Types } from './multiconer2-types.js';

const knownTypes = new Set(multiconer2Types.map(({ type }) => type));

/**
 * Reads MultiCoNER 2 files (.conll) as one corpus. A sentence is a document, its tokens joined by single spaces; an id that
 * comes again, in the same file or another one, gets "#2", "#3", … behind it, because the official splits share a few.
 */
export async function readMulticoner2(files: readonly string[]): Promise<LabelledCorpus> {
  const documents: LabelledDocument[] = [];
  const timesSeen = new Map<string, number>();
  for (const file of files) {
    for (const sentence of sentences(file, await readLines(file))) {
      const times = (timesSeen.get(sentence.id) ?? 0) + 1;
      timesSeen.set(sentence.id, times);
      documents.push(times === 1 ? sentence : { ...sentence, id: `${sentence.id}#${times}` });
    }
  }
  return { name: 'multiconer2', types: multiconer2Types, documents };
}

async function readLines(file: string): Promise<string[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : message;
    throw new NerRetrieverError('FILE_UNREADABLE', { file, reason }, { cause });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).split(/\r?\n/);
  } catch (cause) {
    throw new NerRetrieverError(
      'CORPUS_MALFORMED',
      { file, line: 1, expected: 'UTF-8', received: 'other bytes' },
      { cause },
    );
  }
}

/** A sentence is a line "# id …", then one line a token: `token _ _ tag`, the tag O, B-Type or I-Type; blank lines lie between. */
function* sentences(file: string, lines: readonly string[]): Generator<LabelledDocument> {
  let sentence: SentenceUnderWay | null = null;
  for (const [index, line] of lines.entries()) {
    const malformed = (expected: string): NerRetrieverError =>
      new NerRetrieverError('CORPUS_MALFORMED', { file, line: index + 1, expected, received: JSON.stringify(line) });

    const id = /^# id (\S+)/.exec(line)?.[1];
    if (id !== undefined) {
      if (sentence !== null) yield sentence.finish();
      sentence = new SentenceUnderWay(id);
      continue;
    }
    if (line.trim() === '') continue;

    if (sentence === null) throw malformed('a line "# id …" before the first token');
    const fields = line.split(' ');
    const [token, , , tag] = fields;
    if (fields.length !== 4 || !token || !tag) throw malformed('a token line "token _ _ tag"');
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
    this.#open = { start, end: this.#text.length, type };
  }

  /** Adds a further token of the mention under way; false where there is none of that type. */
  extend(token: string, type: string): boolean {
    if (this.#open?.type !== type) return false;
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
