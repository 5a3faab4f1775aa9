import { workerData } from 'node:worker_threads';
import { checkedModelFolder } from '../model/model-folder.js';
import { ChunkEncoder } from './chunk-encoder.js';
import type { EncodeRequest, EncodeResult } from './encode-request.js';
import { serveRequests } from './serve-requests.js';
import type { EncoderSetup } from './worker-messages.js';

/** An encoder thread. */

const { directory, description, threads, device } = workerData as EncoderSetup;

await serveRequests<EncodeRequest, EncodeResult>(
  async () => {
    const encoder = await ChunkEncoder.open(checkedModelFolder(directory, description), threads, device);
    return (request, checkpoint) => encoder.encode(request, checkpoint);
  },
  ({ tokens, mentionCounts, spans, scores, usable, vectors }) => [
    tokens.buffer,
    mentionCounts.buffer,
    spans.buffer,
    scores.buffer,
    usable.buffer,
    vectors.buffer,
  ],
);
