import { type Encoding, type Normalizer, Tokenizer } from 'tokenizers';
import { codePointOffsets } from '../mentions/code-point-offsets.js';
import { nextCut, type TextCuts, textCuts } from './text-cuts.js';
import type { TokenTable } from './token-table.js';
import {
  componentsOf,
  forContinuations,
  forDocuments,
  notATokenizer,
  readTokenizerFile,
  type TokenizerFile,
} from './tokenizer-file.js';

/** Characters that are tokenised at once: what a long text costs in memory (about 1 KB a token) is bounded by it. */
const PIECE_CHARACTERS = 1 << 16;

/** Words that are tokenised at once. */
const PIECE_WORDS = 1 << 13;

/** A tokenizer.json, read by the native package, with offsets in UTF-16. Special tokens that are written in a text are text. */
export class TextTokenizer {
  /** Ids that the post-processor puts before and behind a text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  readonly #path: string;
  /** Added tokens, of which the special ones are no part of the vocabulary that texts are read by. */
  readonly #added: ReadonlyMap<string, number>;
  readonly #tokenizer: Tokenizer;
  readonly #cuts: TextCuts;
  /** The normaliser, where a compiled one is in it. */
  readonly #compiled: Normalizer | null;
  /** For parts of a text behind its first; most texts have none. */
  #continuation: Tokenizer | undefined;

  private constructor(path: string, file: TokenizerFile, tokenizer: Tokenizer, sample: Encoding) {
    const isCompiled = componentsOf(file.normalizer).some(({ type }) => type === 'Precompiled');
    this.#path = path;
    this.#added = new Map(file.added_tokens?.map(({ content, id }) => [content, id]));
    this.#tokenizer = tokenizer;
    this.#cuts = textCuts(file);
    this.#compiled = isCompiled ? tokenizer.getNormalizer() : null;
    const ids = sample.getIds();
    const special = sample.getSpecialTokensMask();
    const first = special.indexOf(0);
    const last = special.lastIndexOf(0);
    this.prefix = ids.slice(0, Math.max(first, 0));
    this.suffix = ids.slice(last + 1);
  }

  /** @throws NerRetrieverError MODEL_INVALID where the file is no tokenizer. */
  static async open(path: string): Promise<TextTokenizer> {
    const file = readTokenizerFile(path);
    const tokenizer = load(forDocuments(file), path);
    const sample = await tokenizer.encode('a');
    // Without a token of the text there is no telling what stands before it and what behind.
    const isPlain = sample.getLength() === 0 || sample.getSpecialTokensMask().includes(0);
    if (!isPlain) throw notATokenizer(path, new Error('one that has no token for the letter "a"'));
    return new TextTokenizer(path, file, tokenizer, sample);
  }

  /** Special tokens round each text. */
  get specialTokens(): number {
    return this.prefix.length + this.suffix.length;
  }

  /** The tokens of each text, without special tokens. `checkpoint` may throw to stop between two parts of the work. */
  async tokenize(texts: readonly string[], checkpoint: () => void = () => {}): Promise<TokenTable> {
    const table = new GrowingTable(texts.length, this.#cuts.words);
    let batch: Piece[] = [];
    let characters = 0;
    for (const piece of this.#pieces(texts)) {
      if (characters >= PIECE_CHARACTERS || (batch[0] && batch[0].continues !== piece.continues)) {
        checkpoint();
        await this.#append(batch, table);
        batch = [];
        characters = 0;
      }
      batch.push(piece);
      characters += piece.text.length;
    }
    checkpoint();
    await this.#append(batch, table);
    return table.finish();
  }

  /** Texts in order, long ones in parts where that changes no token. */
  *#pieces(texts: readonly string[]): Generator<Piece> {
    for (const [index, text] of texts.entries()) {
      let offset = this.#droppedBeginning(text);
      let continues = false;
      while (this.#cuts.beforeSpaces && text.length - offset > PIECE_CHARACTERS) {
        const end = nextCut(text, offset + PIECE_CHARACTERS);
        if (end === text.length) break;
        yield { index, offset, continues, text: text.slice(offset, end) };
        offset = end;
        continues = true;
      }
      yield { index, offset, continues, text: offset === 0 ? text : text.slice(offset) };
    }
  }

  /**
   * Characters that the normaliser drops at a text's beginning (controls, a stray accent): SentencePiece's compiled one then
   * gives every later range too early by their number, so they are left out.
   */
  #droppedBeginning(text: string): number {
    let dropped = 0;
    for (const character of text) {
      if (this.#compiled === null || !/[\p{C}\p{M}]/u.test(character)) break;
      if (this.#compiled.normalizeString(`${character}a`) !== this.#compiled.normalizeString('a')) break;
      dropped += character.length;
    }
    return dropped;
  }

  /**
   * The ids of each word of a text that comes in words: each is encoded by itself, whatever stands beside it. A word that the
   * normaliser drops has none.
   */
  async tokenizeWords(words: readonly string[], checkpoint: () => void = () => {}): Promise<Int32Array[]> {
    const distinct = [...new Set(words)];
    const idsOf = new Map<string, Int32Array>();
    for (let begin = 0; begin < distinct.length; begin += PIECE_WORDS) {
      checkpoint();
      const piece = distinct.slice(begin, begin + PIECE_WORDS);
      const encodings = await this.#tokenizer.encodeBatch(piece, { addSpecialTokens: false });
      for (const [i, word] of piece.entries()) idsOf.set(word, Int32Array.from((encodings[i] as Encoding).getIds()));
    }
    return words.map((word) => idsOf.get(word) as Int32Array);
  }

  /** The id of a token as the vocabulary spells it, null where it has none. */
  idOf(token: string): number | null {
    return this.#added.get(token) ?? this.#tokenizer.tokenToId(token);
  }

  async #append(batch: readonly Piece[], table: GrowingTable): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    if (first.continues) {
      this.#continuation ??= load(forContinuations(forDocuments(readTokenizerFile(this.#path))), this.#path);
    }
    const tokenizer = first.continues ? this.#continuation : this.#tokenizer;
    const texts = batch.map(({ text }) => text);
    const encodings = await (tokenizer as Tokenizer).encodeBatch(texts, { addSpecialTokens: false });
    for (const [i, piece] of batch.entries()) table.append(piece, encodings[i] as Encoding);
  }
}

function load(file: TokenizerFile, path: string): Tokenizer {
  try {
    return Tokenizer.fromString(JSON.stringify(file));
  } catch (cause) {
    throw notATokenizer(path, cause as Error);
  }
}

/** A text, or a part of a long one, that begins at `offset` of its text; `continues` where it is not the first part. */
interface Piece {
  readonly index: number;
  readonly offset: number;
  readonly continues: boolean;
  readonly text: string;
}

class GrowingTable {
  readonly #textBegins: Int32Array;
  #ids = new Int32Array(1024);
  #starts = new Int32Array(1024);
  #ends = new Int32Array(1024);
  #wordBegins = new Uint8Array(1024);
  #length = 0;
  #text = -1;
  readonly #words: boolean;

  /** `words`: false where the encodings' words are not those of the text; then words begin at white space. */
  constructor(texts: number, words: boolean) {
    this.#textBegins = new Int32Array(texts + 1);
    this.#words = words;
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
      const begins = this.#words ? words[i] === null || words[i] !== word : isWordBegin(text, start - offset);
      this.#wordBegins[this.#length] = begins ? 1 : 0;
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

function isWordBegin(text: string, at: number): boolean {
  return at === 0 || /\s/.test(text.charAt(at)) || /\s/.test(text.charAt(at - 1));
}

function grown<T extends Int32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
