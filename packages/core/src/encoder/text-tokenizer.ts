import { type Encoding, Tokenizer } from 'tokenizers';
import { NerRetrieverError } from '../errors.js';
import { codePointOffsets } from '../mentions/code-point-offsets.js';
import type { TokenTable } from './token-table.js';

/** Characters that are tokenised at once: what a long text costs in memory (about 1 KB a token) is bounded by it. */
const PIECE_CHARACTERS = 1 << 16;

/** A tokenizer.json, read by the native package, with offsets in UTF-16. */
export class TextTokenizer {
  /** Ids that the post-processor puts before and behind a text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  readonly #tokenizer: Tokenizer;

  private constructor(tokenizer: Tokenizer, prefix: readonly number[], suffix: readonly number[]) {
    this.#tokenizer = tokenizer;
    this.prefix = prefix;
    this.suffix = suffix;
  }

  /** @throws NerRetrieverError MODEL_INVALID where the file is no tokenizer. */
  static async open(path: string): Promise<TextTokenizer> {
    const tokenizer = read(path);
    // Windows and batches are cut here, so nothing may be cut or padded by the file's own settings.
    tokenizer.disableTruncation();
    tokenizer.disablePadding();
    const sample = await tokenizer.encode('a', null, { addSpecialTokens: true });
    const ids = sample.getIds();
    const special = sample.getSpecialTokensMask();
    const first = special.indexOf(0);
    const last = special.lastIndexOf(0);
    return new TextTokenizer(tokenizer, ids.slice(0, Math.max(first, 0)), ids.slice(last + 1));
  }

  /** Special tokens round each text. */
  get specialTokens(): number {
    return this.prefix.length + this.suffix.length;
  }

  /** The tokens of each text, without special tokens. `checkpoint` may throw to stop between two parts of the work. */
  async tokenize(texts: readonly string[], checkpoint: () => void = () => {}): Promise<TokenTable> {
    const table = new GrowingTable(texts.length);
    let batch: Piece[] = [];
    let characters = 0;
    for (const piece of pieces(texts)) {
      batch.push(piece);
      characters += piece.text.length;
      if (characters < PIECE_CHARACTERS) continue;
      checkpoint();
      await this.#append(batch, table);
      batch = [];
      characters = 0;
    }
    await this.#append(batch, table);
    return table.finish();
  }

  async #append(batch: readonly Piece[], table: GrowingTable): Promise<void> {
    const encodings = await this.#tokenizer.encodeBatch(
      batch.map(({ text }) => text),
      { addSpecialTokens: false },
    );
    for (const [i, piece] of batch.entries()) table.append(piece, encodings[i] as Encoding);
  }
}

function read(path: string): Tokenizer {
  try {
    return Tokenizer.fromFile(path);
  } catch (cause) {
    throw new NerRetrieverError(
      'MODEL_INVALID',
      { directory: path, field: 'the tokenizer', expected: 'a tokenizer.json', received: (cause as Error).message },
      { cause },
    );
  }
}

/** A text, or a part of a long one, that begins at `offset` of its text. */
interface Piece {
  readonly index: number;
  readonly offset: number;
  readonly text: string;
}

/**
 * Texts in order, long ones in parts. A part ends before white space, where every pre-tokenizer ends a word: its tokens are
 * those of the whole text.
 */
function* pieces(texts: readonly string[]): Generator<Piece> {
  for (const [index, text] of texts.entries()) {
    let offset = 0;
    while (text.length - offset > PIECE_CHARACTERS) {
      const end = cut(text, offset, offset + PIECE_CHARACTERS);
      yield { index, offset, text: text.slice(offset, end) };
      offset = end;
    }
    yield { index, offset, text: offset === 0 ? text : text.slice(offset) };
  }
}

function cut(text: string, begin: number, limit: number): number {
  for (let end = limit; end > begin + PIECE_CHARACTERS / 2; end--) {
    if (/\s/.test(text.charAt(end)) && /\S/.test(text.charAt(end - 1))) return end;
  }
  return (text.charCodeAt(limit) & 0xfc00) === 0xdc00 ? limit - 1 : limit;
}

class GrowingTable {
  readonly #textBegins: Int32Array;
  #ids = new Int32Array(1024);
  #starts = new Int32Array(1024);
  #ends = new Int32Array(1024);
  #wordBegins = new Uint8Array(1024);
  #length = 0;
  #text = -1;

  constructor(texts: number) {
    this.#textBegins = new Int32Array(texts + 1);
  }

  append({ index, offset, text }: Piece, encoding: Encoding): void {
    if (index !== this.#text) {
      this.#textBegins[index] = this.#length;
      this.#text = index;
    }
    const ids = encoding.getIds();
    const ranges = encoding.getOffsets();
    const words = encoding.getWordIds();
    const utf16 = codePointOffsets(text);
    this.#reserve(ids.length);

    let word: number | null | undefined = null;
    let end = offset;
    for (let i = 0; i < ids.length; i++, this.#length++) {
      const range = ranges[i] as number[];
      const from = range[0] as number;
      const to = range[1] as number;
      // Some tokenizers give [0, 0] to tokens without characters, anywhere in a text: kept in order, so that ranges can be bisected.
      const start = from < to ? offset + (utf16 === null ? from : (utf16[from] as number)) : end;
      if (from < to) end = offset + (utf16 === null ? to : (utf16[to] as number));
      this.#ids[this.#length] = ids[i] as number;
      this.#starts[this.#length] = start;
      this.#ends[this.#length] = end;
      this.#wordBegins[this.#length] = words[i] === null || words[i] !== word ? 1 : 0;
      word = words[i];
    }
  }

  finish(): TokenTable {
    this.#textBegins[this.#textBegins.length - 1] = this.#length;
    return {
      textBegins: this.#textBegins,
      ids: this.#ids.subarray(0, this.#length),
      starts: this.#starts.subarray(0, this.#length),
      ends: this.#ends.subarray(0, this.#length),
      wordBegins: this.#wordBegins.subarray(0, this.#length),
    };
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#ids.length) return;
    const capacity = Math.max(needed, 2 * this.#ids.length);
    this.#ids = grown(this.#ids, new Int32Array(capacity));
    this.#starts = grown(this.#starts, new Int32Array(capacity));
    this.#ends = grown(this.#ends, new Int32Array(capacity));
    this.#wordBegins = grown(this.#wordBegins, new Uint8Array(capacity));
  }
}

function grown<T extends Int32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
