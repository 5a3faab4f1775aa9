import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Writes a chat model as @huggingface/transformers reads one: whatever it is asked, it answers with `words`, word by word, because
 * each word makes the next the likeliest; a word that comes twice goes on as it did the first time. A real graph with a cache, of a few
 * kilobytes.
 */
export async function writeTinyChatModel(folder: string, words: readonly string[]): Promise<void> {
  const vocabulary = ['<unk>', '<s>', '</s>', '<|system|>', '<|user|>', '<|assistant|>', ...new Set(words)];
  const idOf = (word: string) => vocabulary.indexOf(word);
  const answer = ['<|assistant|>', ...words, '</s>'].map(idOf);
  const size = vocabulary.length;
  const logits = new Float32Array(size * size);
  const followed = new Set<number>();
  for (const [place, id] of answer.slice(0, -1).entries()) {
    if (!followed.has(id)) logits[id * size + (answer[place + 1] as number)] = 20;
    followed.add(id);
  }

  const json = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  await mkdir(join(folder, 'onnx'), { recursive: true });
  await json('config.json', {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    hidden_size: 1,
    head_dim: 1,
    vocab_size: size,
    bos_token_id: idOf('<s>'),
    eos_token_id: idOf('</s>'),
  });
  await json('generation_config.json', { bos_token_id: idOf('<s>'), eos_token_id: idOf('</s>') });
  const special = vocabulary.slice(0, 6);
  await json('tokenizer.json', {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
      unk_token: '<unk>',
    },
  });
  await json('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: '<unk>',
    bos_token: '<s>',
    eos_token: '</s>',
    chat_template:
      '{% for message in messages %}<|{{ message.role }}|> {{ message.content }} {% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}',
  });
  await writeFile(join(folder, 'onnx/model.onnx'), graphOf(logits, size));
}

/** logits = Gather(table, input_ids); the cache grows by a number a token. Field numbers are those of onnx.proto. */
function graphOf(table: Float32Array, size: number): Uint8Array {
  const cache = ['key', 'value'];
  const graph = [
    ...node('Gather', ['table', 'input_ids'], 'logits'),
    ...node('Cast', ['input_ids'], 'ids', [...text(1, 'to'), ...integer(3, float), ...integer(20, 2)]),
    ...node('Unsqueeze', ['ids', 'axes'], 'entries'),
    ...cache.flatMap((part) =>
      node('Concat', [`past_key_values.0.${part}`, 'entries'], `present.0.${part}`, [
        ...text(1, 'axis'),
        ...integer(3, 2),
        ...integer(20, 2),
      ]),
    ),
    ...text(2, 'tiny-chat-model'),
    ...tensor('table', [size, size], float, new Uint8Array(table.buffer)),
    ...tensor('axes', [2], int64, new Uint8Array(BigInt64Array.of(1n, 3n).buffer)),
    ...value(11, 'input_ids', int64, ['batch', 'tokens']),
    ...cache.flatMap((part) => value(11, `past_key_values.0.${part}`, float, ['batch', 1, 'past', 1])),
    ...value(12, 'logits', float, ['batch', 'tokens', size]),
    ...cache.flatMap((part) => value(12, `present.0.${part}`, float, ['batch', 1, 'all', 1])),
  ];
  return Uint8Array.from([...integer(1, 8), ...message(8, integer(2, 17)), ...message(7, graph)]);
}

const float = 1;
const int64 = 7;

function node(operator: string, inputs: readonly string[], output: string, attribute?: readonly number[]): number[] {
  return message(1, [
    ...inputs.flatMap((input) => text(1, input)),
    ...text(2, output),
    ...text(4, operator),
    ...(attribute ? message(5, attribute) : []),
  ]);
}

function tensor(name: string, dimensions: readonly number[], type: number, raw: Uint8Array): number[] {
  return message(5, [
    ...dimensions.flatMap((dimension) => integer(1, dimension)),
    ...integer(2, type),
    ...text(8, name),
    ...message(9, [...raw]),
  ]);
}

function value(field: number, name: string, type: number, dimensions: readonly (number | string)[]): number[] {
  const shape = dimensions.flatMap((dimension) =>
    message(1, typeof dimension === 'string' ? text(2, dimension) : integer(1, dimension)),
  );
  return message(field, [...text(1, name), ...message(2, message(1, [...integer(1, type), ...message(2, shape)]))]);
}

// Protocol buffers: a field's number and kind, then a number, or a length and so many bytes.

function integer(field: number, number: number): number[] {
  return [...varint(field * 8), ...varint(number)];
}

function message(field: number, bytes: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
}

function text(field: number, content: string): number[] {
  return message(field, [...Buffer.from(content)]);
}

function varint(number: number): number[] {
  return number < 128 ? [number] : [(number % 128) + 128, ...varint(Math.floor(number / 128))];
}
