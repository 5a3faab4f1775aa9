import { ControlWord } from './worker-messages.js';

/** A run of a few batches at most is waited for. */
const PATIENCE_MS = 10_000;

/**
 * Control words of all living workers. At the process's end Node terminates its threads, and ONNX Runtime aborts the process when
 * a run is cut short; so runs are asked to stop, and waited for.
 */
export const drainAtExit = new Set<Int32Array>();

process.on('exit', () => {
  for (const control of drainAtExit) Atomics.store(control, ControlWord.cancel, 1);
  for (const control of drainAtExit) Atomics.wait(control, ControlWord.busy, 1, PATIENCE_MS);
});
