import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { encoding } from '../device/choose-encoder-device.js';
import type { DeviceChoice } from '../device/device-choice.js';
import { NerRetrieverError } from '../errors.js';
import type { ModelFolder } from '../model/model-folder.js';
import { openSession } from './open-session.js';

/** What one run gives, row-major, until the next run: it lies in memory of the session. An output that was not asked for is empty. */
export interface EncoderOutput {
  /** [texts, tokens, dimensions] */
  readonly tap: Float32Array;
  /** [texts, tokens, labels] */
  readonly detector: Float32Array;
}

/** Outputs that a run has to give: ONNX Runtime computes and copies no others. */
export interface WantedOutputs {
  readonly tap: boolean;
  readonly detector: boolean;
}

/** Token rows of one length, the shorter ones padded behind. int64, as the graph takes them. */
export interface EncoderInput {
  readonly texts: number;
  readonly tokens: number;
  readonly ids: BigInt64Array;
  readonly mask: BigInt64Array;
}

/** The ONNX graph of a model folder. */
export class EncoderSession {
  readonly #session: InferenceSession;
  readonly #tap: Output;
  readonly #detector: Output | null;

  private constructor(session: InferenceSession, { description }: ModelFolder) {
    const { outputs } = description.encoder;
    this.#session = session;
    this.#tap = new Output(outputs.tap, description.tap.dimensions);
    this.#detector =
      outputs.detector === null || description.detector === null
        ? null
        : new Output(outputs.detector, description.detector.labels.length);
  }

  /**
   * @throws NerRetrieverError MODEL_INVALID where ONNX Runtime refuses the graph, or its inputs or outputs are others;
   *   DEVICE_UNAVAILABLE where it refuses it on a GPU.
   */
  static async open(
    model: ModelFolder,
    threads: number,
    device: DeviceChoice['device'] = 'cpu',
  ): Promise<EncoderSession> {
    const { encoder } = model.description;
    const invalid = (expected: string, received: string, cause?: unknown) =>
      new NerRetrieverError(
        'MODEL_INVALID',
        { directory: model.directory, field: encoder.file, expected, received },
        { cause },
      );
    let session: InferenceSession;
    try {
      session = await openSession(model.path(encoder.file), threads, device);
    } catch (cause) {
      if (device === 'cuda') {
        const reason = `ONNX Runtime's CUDA provider refused (it needs CUDA 12 and cuDNN 9): ${(cause as Error).message}`;
        throw new NerRetrieverError('DEVICE_UNAVAILABLE', { device, what: encoding, reason }, { cause });
      }
      throw invalid('a graph that ONNX Runtime takes', (cause as Error).message, cause);
    }
    const inputs = [...session.inputNames].sort().join(', ');
    if (inputs !== 'attention_mask, input_ids') throw invalid('the inputs attention_mask, input_ids', inputs);
    for (const output of [encoder.outputs.tap, encoder.outputs.detector]) {
      if (output !== null && !session.outputNames.includes(output)) {
        throw invalid(`an output ${output}`, session.outputNames.join(', '));
      }
    }
    return new EncoderSession(session, model);
  }

  /** Blocks the calling thread: ONNX Runtime's promise is synchronous underneath. */
  async run({ texts, tokens, ids, mask }: EncoderInput, wanted: WantedOutputs): Promise<EncoderOutput> {
    const feeds = {
      input_ids: new Tensor('int64', ids, [texts, tokens]),
      attention_mask: new Tensor('int64', mask, [texts, tokens]),
    };
    const tap = wanted.tap ? this.#tap.tensor(texts, tokens) : null;
    const detector = wanted.detector ? (this.#detector?.tensor(texts, tokens) ?? null) : null;
    await this.#session.run(feeds, {
      ...(tap && { [this.#tap.name]: tap }),
      ...(detector && { [(this.#detector as Output).name]: detector }),
    });
    return {
      tap: tap === null ? empty : (tap.data as Float32Array),
      detector: detector === null ? empty : (detector.data as Float32Array),
    };
  }
}

/**
 * One output of the graph, [texts, tokens, columns], and the memory that every run writes it into: a batch's fits in the processor's
 * cache, and nothing is left for the garbage collector.
 */
class Output {
  readonly name: string;
  readonly #columns: number;
  #values = empty;

  constructor(name: string, columns: number) {
    this.name = name;
    this.#columns = columns;
  }

  tensor(texts: number, tokens: number): Tensor {
    const count = texts * tokens * this.#columns;
    if (count > this.#values.length) this.#values = new Float32Array(count);
    return new Tensor('float32', this.#values.subarray(0, count), [texts, tokens, this.#columns]);
  }
}

const empty = new Float32Array(0);
