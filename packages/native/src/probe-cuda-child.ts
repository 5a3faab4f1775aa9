import process from 'node:process';
import type { ProbeAnswer } from './probe-cuda.js';

// The child process of probe-cuda.ts: its life may end at any line.

async function answer(): Promise<ProbeAnswer> {
  try {
    const { addon } = await import('./addon.js');
    return addon.cudaProbe();
  } catch (error) {
    return { error: (error as Error).message };
  }
}

process.send?.(await answer());
process.disconnect();
