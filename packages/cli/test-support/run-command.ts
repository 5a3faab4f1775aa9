import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const binary = fileURLToPath(new URL('../bin/ner-retriever.js', import.meta.url));

export interface Outcome {
  /** Null where a signal ended the process. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command to its end, as a shell would. */
export async function runCommand(
  words: readonly string[],
  {
    input = '',
    node = process.execPath,
    environment = {},
  }: { input?: string | Uint8Array; node?: string; environment?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  const child = spawn(node, [binary, ...words], { env: { ...process.env, NO_COLOR: '', ...environment } });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
