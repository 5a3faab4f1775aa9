import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { checkOption, checkOptions } from '../check-options.js';
import { NerRetrieverError } from '../errors.js';
import type { ChatMessage, ChatModel, ChatOptions } from './chat-model.js';

export interface TransformersChatOptions {
  /** Which weights of the model: 'fp32', 'fp16', 'q8', 'q4' and what else it comes with. Default: the model's own, mostly fp32. */
  readonly dtype?: string;
}

/**
 * A chat model in this process, run by @huggingface/transformers, which is loaded for it.
 *
 * @param model a folder (config.json, generation_config.json, tokenizer.json, tokenizer_config.json, onnx/model.onnx), or an id of the Hugging Face hub, which is downloaded
 * @throws NerRetrieverError PACKAGE_MISSING, CHAT_FAILED
 */
export async function openTransformersChat(model: string, options: TransformersChatOptions = {}): Promise<ChatModel> {
  checkOption(typeof model === 'string' && model !== '', 'the model', 'a folder or an id', model);
  checkOptions('openTransformersChat', options, ['dtype']);
  const { dtype } = options;
  checkOption(dtype === undefined || typeof dtype === 'string', 'dtype', 'a string', dtype);
  const library = await loadLibrary();
  const name = `${existsSync(model) ? basename(resolve(model)) : model} in this process`;
  const place = existsSync(model) ? resolve(model) : model;
  try {
    const tokenizer = await library.AutoTokenizer.from_pretrained(place);
    if (!tokenizer.chat_template) throw new Error('its tokenizer has no chat template');
    const settings = dtype === undefined ? {} : { dtype: dtype as 'fp32' };
    const weights = await library.AutoModelForCausalLM.from_pretrained(place, settings);
    return new TransformersChat(name, library, tokenizer, weights);
  } catch (cause) {
    const advice =
      'Name a folder with config.json, generation_config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx of an instruction-tuned model, or the id of such a model on the hub.';
    throw new NerRetrieverError('CHAT_FAILED', { chat: name, reason: reasonOf(cause), advice }, { cause });
  }
}

type Library = typeof import('@huggingface/transformers');
type Tokenizer = Awaited<ReturnType<Library['AutoTokenizer']['from_pretrained']>>;
type Weights = Awaited<ReturnType<Library['AutoModelForCausalLM']['from_pretrained']>>;
type Tensor = InstanceType<Library['Tensor']>;

async function loadLibrary(): Promise<Library> {
  const name = '@huggingface/transformers';
  try {
    return await import('@huggingface/transformers');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(name)) throw cause;
    const purpose = 'A chat model in this process';
    const command = `npm install ${name}@4.3.1`;
    throw new NerRetrieverError('PACKAGE_MISSING', { purpose, package: name, command }, { cause });
  }
}

/** The library's own words, without the full stop that some have. */
function reasonOf(cause: unknown): string {
  return (cause as Error).message.replace(/\.$/, '');
}

class TransformersChat implements ChatModel {
  readonly name: string;
  /** Answers are made one at a time: nothing is padded, and so the answer begins where its own question ends. */
  readonly concurrency = 1;
  readonly #library: Library;
  readonly #tokenizer: Tokenizer;
  readonly #weights: Weights;

  constructor(name: string, library: Library, tokenizer: Tokenizer, weights: Weights) {
    this.name = name;
    this.#library = library;
    this.#tokenizer = tokenizer;
    this.#weights = weights;
  }

  async answer(messages: readonly ChatMessage[], { temperature, signal }: ChatOptions): Promise<string> {
    const interruption = new this.#library.InterruptableStoppingCriteria();
    const interrupt = () => interruption.interrupt();
    signal?.throwIfAborted();
    signal?.addEventListener('abort', interrupt);
    try {
      const question = this.#tokenizer.apply_chat_template([...messages], {
        add_generation_prompt: true,
        // Templates of models that can think aloud ask for it; the others take no notice.
        ...{ enable_thinking: false },
      }) as { input_ids: Tensor };
      const generated = (await this.#weights.generate({
        ...question,
        max_new_tokens: this.#longestAnswer(messages.at(-1)?.content ?? ''),
        ...(temperature > 0 ? { do_sample: true, temperature } : { do_sample: false }),
        stopping_criteria: interruption,
      } as Parameters<Weights['generate']>[0])) as Tensor;
      signal?.throwIfAborted();
      const [, total = 0] = generated.dims;
      const own = generated.slice(null, [question.input_ids.dims.at(-1) as number, total]);
      return this.#tokenizer.batch_decode(own, { skip_special_tokens: true })[0] ?? '';
    } catch (cause) {
      signal?.throwIfAborted();
      const advice = 'Use another model, or shorter texts if memory ran out.';
      throw new NerRetrieverError('CHAT_FAILED', { chat: this.name, reason: reasonOf(cause), advice }, { cause });
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
  }

  async close(): Promise<void> {
    await this.#weights.dispose();
  }

  /** Tokens: a copy with marks round every other word, and some room. */
  #longestAnswer(text: string): number {
    return 2 * this.#tokenizer.encode(text).length + 64;
  }
}
