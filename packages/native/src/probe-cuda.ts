import { fork } from 'node:child_process';
import type { CudaDescription } from './cuda-device.js';

/** What came of a try. */
export type CudaProbe =
  | { readonly usable: true; readonly devices: number; readonly device: CudaDescription }
  | { readonly usable: false; readonly reason: string };

/** What the child says. */
export type ProbeAnswer = { readonly devices: number; readonly device: CudaDescription } | { readonly error: string };

let cached: Promise<CudaProbe> | undefined;

/**
 * Tries the first GPU in a child process: it loads the CUDA library, opens the device, multiplies and searches a little, and compares
 * with answers that are known. A driver that crashes, hangs or answers wrong so does no harm here. Once in a process (and thread); later
 * calls get the same answer.
 */
export function probeCuda(): Promise<CudaProbe> {
  cached ??= runProbe();
  return cached;
}

/** The first start of a driver that keeps nothing between processes takes many seconds on a machine with several GPUs. */
const limitMs = 60_000;

/** @param script what the child runs */
export function runProbe(
  script: URL = new URL('./probe-cuda-child.js', import.meta.url),
  timeLimitMs = limitMs,
): Promise<CudaProbe> {
  return new Promise((resolve) => {
    // Without the process's own flags (an inspector's port, for example). What a driver prints is kept for the reason.
    const child = fork(script, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let printed = '';
    const end = (probe: CudaProbe) => {
      clearTimeout(timer);
      // It has nothing left to do. A driver may hang at a process's end, too, where no signal reaches it: that must not keep us.
      child.kill('SIGKILL');
      child.stderr?.destroy();
      if (child.connected) child.disconnect();
      child.unref();
      resolve(probe);
    };
    const unusable = (reason: string) => end({ usable: false, reason });
    const timer = setTimeout(() => unusable(`it did not answer within ${timeLimitMs / 1000} s`), timeLimitMs);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-4000);
    });
    child.on('message', (answer: ProbeAnswer) => {
      if ('error' in answer) unusable(answer.error);
      else end({ usable: true, ...answer });
    });
    child.on('error', (error) => unusable(`a process to try it in could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      const said = lastWords(printed);
      unusable(`the process that tried it ended with ${signal ?? `exit code ${code}`}${said ? ` (${said})` : ''}`);
    });
  });
}

/** The last line of what a process printed, without what Node.js adds to an error. */
function lastWords(printed: string): string | undefined {
  return printed
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(at |Node\.js v|[{}])/.test(line))
    .at(-1);
}
