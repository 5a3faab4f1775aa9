import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { checkOption, checkOptions } from '../check-options.js';
import { NerRetrieverError } from '../errors.js';
import type { Mention } from '../mentions/mention.js';
import type { DetectorOptions, MentionDetector } from '../mentions/mention-detector.js';
import { openInput } from '../text/input.js';
import { readLines } from '../text/read-lines.js';
import { NameTrie, type WordIds } from './name-trie.js';
import { type TextWord, textWords } from './text-words.js';

export interface GazetteerOptions {
  /** Every name is found however it is written, not only those in lower case. Default: false. */
  readonly ignoreCase?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * A detector that finds the names of a list: a UTF-8 text file, one name a line (.gz and .zst are decompressed; blank lines do not
 * count).
 *
 * A name is found where its words stand, whole, whatever white space parts them. A name with a capital letter is found as it is written,
 * one in lower case also with capitals: "microraptor" finds "Microraptor", "Apple" does not find "apple". Of names that begin
 * together the longest is found, and the search goes on behind it.
 *
 * @throws NerRetrieverError FILE_UNREADABLE, LINE_NOT_UTF8, LINE_TOO_LONG, INPUT_DAMAGED, GAZETTEER_EMPTY
 */
export async function openGazetteer(path: string, options: GazetteerOptions = {}): Promise<MentionDetector> {
  checkOption(typeof path === 'string' && path !== '', 'the gazetteer', 'the path of a file', path);
  checkOptions('openGazetteer', options, ['ignoreCase', 'signal']);
  const { ignoreCase = false, signal } = options;
  checkOption(typeof ignoreCase === 'boolean', 'ignoreCase', 'true or false', ignoreCase);

  const asWritten = new NameTrie();
  const inAnyCase = new NameTrie();
  const digest = createHash('sha256').update(ignoreCase ? 'any case\n' : '\n');
  for await (const line of readLines(await openInput(path), longestName)) {
    if (line.number % linesBetweenChecks === 0) signal?.throwIfAborted();
    if ('error' in line) throw line.error;
    digest.update(`${line.text}\n`);
    const words = [...textWords(line.text)];
    if (ignoreCase || isLowerCase(line.text)) inAnyCase.add(words.map(lowered));
    else asWritten.add(words);
  }
  if (asWritten.size + inAnyCase.size === 0) throw new NerRetrieverError('GAZETTEER_EMPTY', { file: path });
  return new Gazetteer(`gazetteer (${basename(path)})`, digest.digest('hex'), asWritten, inAnyCase);
}

/** Bytes; whoever hands over a line longer than this has no list of names. */
const longestName = 65_536;
const linesBetweenChecks = 4096;

/** Characters that are searched before other work of the process gets its turn. */
const charactersATurn = 1_000_000;

class Gazetteer implements MentionDetector {
  readonly name: string;
  readonly fingerprint: string;
  readonly #asWritten: NameTrie;
  readonly #inAnyCase: NameTrie;

  constructor(name: string, fingerprint: string, asWritten: NameTrie, inAnyCase: NameTrie) {
    this.name = name;
    this.fingerprint = fingerprint;
    this.#asWritten = asWritten;
    this.#inAnyCase = inAnyCase;
  }

  async detect(texts: readonly string[], { signal }: DetectorOptions = {}): Promise<Mention[][]> {
    const found: Mention[][] = [];
    let characters = 0;
    for (const text of texts) {
      signal?.throwIfAborted();
      found.push(this.#namesIn(text));
      characters += text.length;
      if (characters < charactersATurn) continue;
      characters = 0;
      await nextTurn();
    }
    return found;
  }

  async close(): Promise<void> {}

  #namesIn(text: string): Mention[] {
    const words = [...textWords(text)];
    const spaced = Uint8Array.from(words, (word) => (word.spaced ? 1 : 0));
    const asWritten = idsOf(words, spaced, this.#asWritten, ({ word }) => word);
    const inAnyCase = idsOf(words, spaced, this.#inAnyCase, ({ word }) => word.toLowerCase());
    const mentions: Mention[] = [];
    for (let first = 0; first < words.length; ) {
      const end = Math.max(
        this.#asWritten.longestFrom(asWritten, first),
        this.#inAnyCase.longestFrom(inAnyCase, first),
      );
      if (end > 0) mentions.push(mentionOf(text, words[first] as TextWord, words[end - 1] as TextWord));
      first = end > 0 ? end : first + 1;
    }
    return mentions;
  }
}

function idsOf(
  words: readonly TextWord[],
  spaced: Uint8Array,
  names: NameTrie,
  spelling: (word: TextWord) => string,
): WordIds {
  if (names.size === 0) return { ids: new Int32Array(0), spaced };
  return { ids: Int32Array.from(words, (word) => names.idOf(spelling(word))), spaced };
}

function mentionOf(text: string, { start }: TextWord, { end }: TextWord): Mention {
  return { start, end, text: text.slice(start, end) };
}

function lowered(word: TextWord): TextWord {
  return { ...word, word: word.word.toLowerCase() };
}

/** Has letters, and no capital among them; letters of scripts without case are as they are. */
function isLowerCase(name: string): boolean {
  return name === name.toLowerCase() && name !== name.toUpperCase();
}
