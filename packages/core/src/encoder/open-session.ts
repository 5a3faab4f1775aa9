import { InferenceSession } from 'onnxruntime-node';

/** An ONNX graph on the CPU, with `threads` for each matrix product. */
export function openSession(path: string, threads: number): Promise<InferenceSession> {
  return InferenceSession.create(path, {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Warnings about a graph's making are not for whoever runs it.
    logSeverityLevel: 3,
  });
}
