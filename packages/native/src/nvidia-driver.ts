import { existsSync, readFileSync } from 'node:fs';

const versionFile = '/proc/driver/nvidia/version';
/** The nodes by which processes reach it: Linux's own, and those of a Linux that runs under Windows. */
const nodes = ['/dev/nvidiactl', '/dev/dxg'];

/**
 * The version of the NVIDIA driver that the kernel has loaded; 'unknown' where only its device nodes are there; null where there is
 * none. A look at files: nothing is loaded.
 */
export function nvidiaDriver(): string | null {
  try {
    // NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build …
    return /Kernel Module\D*(?:x86_64|aarch64)?\s+([\d.]+)/.exec(readFileSync(versionFile, 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return nodes.some((node) => existsSync(node)) ? 'unknown' : null;
  }
}
