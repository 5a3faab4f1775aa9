import { env, InferenceSession } from 'onnxruntime-node';

/**
 * An ONNX graph, with `threads` for each matrix product on the CPU. With `cuda` it runs on the first GPU that is visible, and on the
 * CPU only what ONNX Runtime has no kernel for there; where the CUDA provider does not load, this throws.
 */
export function openSession(path: string, threads: number, device: 'cpu' | 'cuda' = 'cpu'): Promise<InferenceSession> {
  // What it says on standard error of a provider that does not load is in the error that it throws, too.
  if (device === 'cuda') env.logLevel = 'fatal';
  return InferenceSession.create(path, {
    executionProviders: device === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Warnings about a graph's making are not for whoever runs it.
    logSeverityLevel: 3,
  });
}
