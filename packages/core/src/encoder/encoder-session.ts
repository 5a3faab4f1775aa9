import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { encoding } from '../device/choose-encoder-device.js';
import type { DeviceChoice } from '../device/device-choice.js';
import { NerRetrieverError } from '../errors.js';
import type { ModelFolder } from '../model/model-folder.js';
import { openSession } from './open-session.js';

/** What one run gives, row-major; an output that was not asked for is empty. */
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
  readonly #tap: string;
  readonly #detector: string | null;

  private constructor(session: InferenceSession, model: ModelFolder) {
    this.#session = session;
    this.#tap = model.description.encoder.outputs.tap;
    this.#detector = model.description.encoder.outputs.detector;
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
    const detector = wanted.detector ? this.#detector : null;
    const fetches = [...(wanted.tap ? [this.#tap] : []), ...(detector === null ? [] : [detector])];
    const outputs = await this.#session.run(feeds, fetches);
    return {
      tap: wanted.tap ? (outputs[this.#tap]?.data as Float32Array) : empty,
      detector: detector === null ? empty : (outputs[detector]?.data as Float32Array),
    };
  }
}

const empty = new Float32Array(0);
