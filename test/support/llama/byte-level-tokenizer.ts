import { beginToken, type LlamaShape } from './llama-shape.ts';

/**
 * The tokenizer.json of a byte-level BPE with as many tokens as the model has embeddings: a token's id is its byte, further tokens
 * are merged from pairs of letters, and then from pairs of pairs. With a vocabulary of 257 nothing is merged, so that a text's tokens are its UTF-8 bytes.
 */
export function byteLevelTokenizer(shape: LlamaShape): object {
  const begin = { id: beginToken(shape), content: '<|begin_of_text|>' };
  const vocabulary: Record<string, number> = {};
  for (const [byte, letter] of byteLetters().entries()) vocabulary[letter] = byte;
  const merges: [string, string][] = [];
  for (const [first, second] of letterPairs()) {
    const id = 256 + merges.length;
    if (id === begin.id) break;
    vocabulary[first + second] = id;
    merges.push([first, second]);
  }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [{ ...begin, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: begin.content, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { [begin.content]: { id: begin.content, ids: [begin.id], tokens: [begin.content] } },
    },
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', byte_fallback: false, fuse_unk: false, ignore_merges: false, vocab: vocabulary, merges },
  };
}

/** The letter that stands for each byte in every byte-level BPE: printable ones for themselves, the others from U+0100. */
function byteLetters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : next++);
  });
}

function* letterPairs(): Generator<[string, string]> {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  for (const parts of [letters, letters.flatMap((first) => letters.map((second) => first + second))]) {
    for (const first of parts) for (const second of parts) yield [first, second];
  }
}
