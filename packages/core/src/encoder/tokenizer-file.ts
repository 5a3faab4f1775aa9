import { readFileSync } from 'node:fs';
import { NerRetrieverError } from '../errors.js';

/** A component of a tokenizer.json: a normaliser, pre-tokenizer or post-processor with its settings. */
export interface TokenizerComponent {
  readonly type: string;
  readonly [setting: string]: unknown;
}

/** The parts of a tokenizer.json that are read or changed here; everything else is handed on as it is. */
export interface TokenizerFile {
  readonly added_tokens?: readonly {
    readonly id: number;
    readonly content: string;
    readonly special: boolean;
    readonly lstrip: boolean;
    readonly rstrip: boolean;
  }[];
  readonly normalizer?: TokenizerComponent | null;
  readonly pre_tokenizer?: TokenizerComponent | null;
  readonly post_processor?: TokenizerComponent | null;
  readonly model: {
    readonly type?: string;
    /** Piece -> id, or for Unigram a list of [piece, score]. */
    readonly vocab: { readonly [piece: string]: number } | readonly (readonly [piece: string, score: number])[];
  };
}

/** @throws NerRetrieverError MODEL_INVALID where the file is no tokenizer.json. */
export function readTokenizerFile(path: string): TokenizerFile {
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as TokenizerFile;
    if (typeof file?.model?.vocab !== 'object' || file.model.vocab === null) throw new Error('there is no vocabulary');
    return file;
  } catch (cause) {
    throw notATokenizer(path, cause as Error);
  }
}

export function notATokenizer(path: string, cause: Error): NerRetrieverError {
  return new NerRetrieverError(
    'MODEL_INVALID',
    { directory: path, field: 'the tokenizer', expected: 'a tokenizer.json', received: cause.message },
    { cause },
  );
}

/**
 * The same tokenizer for documents: what reads like a special token in a text is text, as with the reference's
 * `encode_special_tokens`, and nothing is cut or padded, because windows and batches do that.
 */
export function forDocuments(file: TokenizerFile): TokenizerFile {
  const special = new Set(file.added_tokens?.filter((token) => token.special).map(({ content }) => content));
  const { vocab } = file.model;
  return {
    ...file,
    truncation: null,
    padding: null,
    added_tokens: file.added_tokens?.filter((token) => !token.special) ?? [],
    // Unigram takes any piece that it finds in a text: with a space in it, which words have not, a piece is never found.
    ...(isPieceList(vocab) && {
      model: { ...file.model, vocab: vocab.map(([piece, score]) => [special.has(piece) ? ` ${piece}` : piece, score]) },
    }),
  } as TokenizerFile;
}

/** The same tokenizer for a part of a text that begins at a space inside of it: nothing is put before it. */
export function forContinuations(file: TokenizerFile): TokenizerFile {
  const { normalizer, pre_tokenizer = null, post_processor = null } = file;
  const kept = componentsOf(normalizer).filter(({ type }) => type !== 'Prepend');
  return {
    ...file,
    normalizer: kept.length === 0 ? null : { type: 'Sequence', normalizers: kept },
    pre_tokenizer: withoutPrefixSpace(pre_tokenizer),
    post_processor: withoutPrefixSpace(post_processor),
  };
}

/** A component's own parts in order, sequences of sequences flattened. */
export function componentsOf(component: TokenizerComponent | null | undefined): TokenizerComponent[] {
  if (!component) return [];
  if (component.type !== 'Sequence') return [component];
  return partsOf(component).flatMap(componentsOf);
}

export function isPieceList(
  vocab: TokenizerFile['model']['vocab'],
): vocab is readonly (readonly [piece: string, score: number])[] {
  return Array.isArray(vocab);
}

function withoutPrefixSpace(component: TokenizerComponent | null): TokenizerComponent | null {
  return JSON.parse(JSON.stringify(component), (_, part) =>
    part?.type === 'ByteLevel' || part?.type === 'RobertaProcessing' ? { ...part, add_prefix_space: false } : part,
  );
}

function partsOf({ normalizers, pretokenizers, processors }: TokenizerComponent): TokenizerComponent[] {
  return (normalizers ?? pretokenizers ?? processors ?? []) as TokenizerComponent[];
}
