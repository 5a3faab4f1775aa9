import { availableParallelism } from 'node:os';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { NerRetrieverError } from '../../errors.js';
import { poolSentences, type SentenceTokens } from './pool-sentences.js';
import type { SentenceSettings } from './sentence-settings.js';

/** The ONNX graph of a sentence model, on the CPU, with all its cores. */
export class SentenceSession {
  readonly #session: InferenceSession;
  readonly #settings: SentenceSettings;
  /** The output that is read, and whether it is one vector a text already. */
  readonly #output: { readonly name: string; readonly pooled: boolean };

  private constructor(session: InferenceSession, settings: SentenceSettings) {
    this.#session = session;
    this.#settings = settings;
    this.#output = outputOf(session, settings);
  }

  /** @throws NerRetrieverError MODEL_GRAPH_REFUSED, MODEL_INPUT_UNKNOWN, MODEL_SOURCE_INCOMPLETE */
  static async open(settings: SentenceSettings): Promise<SentenceSession> {
    const { graph: file } = settings;
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(file, {
        executionProviders: ['cpu'],
        intraOpNumThreads: availableParallelism(),
        logSeverityLevel: 3,
      });
    } catch (cause) {
      const reason = (cause as Error).message.replace(/\s+/g, ' ').replace(/[. ]+$/, '');
      throw new NerRetrieverError('MODEL_GRAPH_REFUSED', { file, runtime: env.versions.node, reason }, { cause });
    }
    const unknown = session.inputNames.filter((name) => !(name in fillings));
    if (unknown.length > 0) throw new NerRetrieverError('MODEL_INPUT_UNKNOWN', { file, received: unknown.join(', ') });
    return new SentenceSession(session, settings);
  }

  /** One vector a text, row-major, not normalised. Blocks the calling thread: ONNX Runtime's promise is synchronous underneath. */
  async run(texts: readonly SentenceTokens[]): Promise<Float32Array> {
    const tokens = texts.reduce((longest, { ids }) => Math.max(longest, ids.length), 1);
    const { paddingId, pooling } = this.#settings;
    const feeds: Record<string, Tensor> = {};
    for (const metadata of this.#session.inputMetadata) {
      const fill = fillings[metadata.name] as Filling;
      const values = texts.flatMap(({ ids }) =>
        Array.from({ length: tokens }, (_, place) => fill(ids[place], place) ?? paddingId),
      );
      const integers =
        metadata.isTensor && metadata.type === 'int32' ? Int32Array.from(values) : BigInt64Array.from(values, BigInt);
      feeds[metadata.name] =
        integers instanceof Int32Array
          ? new Tensor('int32', integers, [texts.length, tokens])
          : new Tensor('int64', integers, [texts.length, tokens]);
    }
    const { name, pooled } = this.#output;
    const data = (await this.#session.run(feeds, [name]))[name]?.data as Float32Array;
    return pooled ? data : poolSentences(data, tokens, texts, pooling);
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/** The value of an input at a token (its id is undefined behind a text's end); null stands for the padding id. */
type Filling = (id: number | undefined, place: number) => number | null;

const fillings: Readonly<Record<string, Filling>> = {
  input_ids: (id) => id ?? null,
  attention_mask: (id) => (id === undefined ? 0 : 1),
  token_type_ids: () => 0,
  position_ids: (_, place) => place,
};

function outputOf(session: InferenceSession, settings: SentenceSettings) {
  const { directory, hasLayersBehindPooling, output } = settings;
  const incomplete = (missing: string, remedy: string) =>
    new NerRetrieverError('MODEL_SOURCE_INCOMPLETE', { directory, missing, remedy });
  const whole = 'export the whole sentence model: optimum-cli export onnx --task sentence-similarity --model ID DIR';
  const preferred = output === null ? ['sentence_embedding', 'last_hidden_state', 'token_embeddings'] : [output];
  const name = preferred.find((each) => session.outputNames.includes(each));
  if (name === undefined) throw incomplete(`an output ${preferred.join(' or ')} of the graph`, whole);
  const metadata = session.outputMetadata.find((each) => each.name === name);
  if (metadata?.isTensor && metadata.type !== 'float32') {
    throw incomplete(`an output ${name} of float32 (it is ${metadata.type})`, 'name the float32 graph of the model');
  }
  const pooled = name === 'sentence_embedding';
  if (!pooled && hasLayersBehindPooling) {
    throw incomplete('an output sentence_embedding (modules.json has layers behind the pooling)', whole);
  }
  return { name, pooled };
}
