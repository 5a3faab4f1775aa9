import { basename } from 'node:path';
import { workerData } from 'node:worker_threads';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { openSession } from '../encoder/open-session.js';
import { serveRequests } from '../encoder/serve-requests.js';
import { NerRetrieverError } from '../errors.js';
import type {
  Feed,
  FetchedTensor,
  SessionRequest,
  SessionResult,
  SessionSetup,
  Signature,
} from './session-messages.js';

/** A thread with one ONNX graph: feeds in, one output out. */

const { directory, graph, threads } = workerData as SessionSetup;

await serveRequests<SessionRequest, SessionResult>(
  async () => {
    const session = await open();
    return async (request) =>
      request === 'signature' ? signatureOf(session) : run(session, request.feeds, request.fetch);
  },
  (result) => ('data' in result ? [result.data.buffer] : []),
);

async function open(): Promise<InferenceSession> {
  try {
    return await openSession(graph, threads);
  } catch (cause) {
    throw new NerRetrieverError(
      'DETECTOR_MODEL_INVALID',
      {
        directory,
        field: basename(graph),
        expected: 'a graph that ONNX Runtime takes',
        received: (cause as Error).message,
        remedy: 'Copy or export the model again.',
      },
      { cause },
    );
  }
}

function signatureOf({ inputMetadata, outputMetadata }: InferenceSession): Signature {
  const types = (values: readonly InferenceSession.ValueMetadata[]) =>
    Object.fromEntries(values.flatMap((value) => (value.isTensor ? [[value.name, value.type]] : [])));
  return { inputs: types(inputMetadata), outputs: types(outputMetadata) };
}

async function run(
  session: InferenceSession,
  feeds: Readonly<Record<string, Feed>>,
  fetch: string,
): Promise<FetchedTensor> {
  const tensors = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensorOf(feed)]));
  try {
    const { [fetch]: output } = await session.run(tensors, [fetch]);
    return { data: output?.data as Float32Array<ArrayBuffer>, dims: output?.dims ?? [] };
  } catch (cause) {
    throw new NerRetrieverError('DETECTOR_FAILED', { directory, reason: (cause as Error).message }, { cause });
  }
}

function tensorOf({ type, data, dims }: Feed): Tensor {
  return new Tensor(type, data as never, dims);
}
