import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import type { Arguments } from '../flags/arguments.js';

/** The one FILE of an action. */
export function oneFile(operands: readonly string[], words: Arguments): string {
  const [file] = operands;
  if (file === undefined || operands.length > 1) {
    return words.refuse('one FILE', operands.length === 0 ? 'none' : `${operands.length}`);
  }
  return file;
}

/** The file that --out names: one that can be written, before any work is done for it. */
export async function headToWrite(words: Arguments): Promise<string> {
  const out = words.required('out');
  if (!out.endsWith('.safetensors')) words.refuse('--out FILE.safetensors', JSON.stringify(out));
  try {
    await access(dirname(out), constants.W_OK);
  } catch (cause) {
    throw new NerRetrieverError('FILE_UNWRITABLE', { file: out, reason: (cause as Error).message }, { cause });
  }
  return out;
}
