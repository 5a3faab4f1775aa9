import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NerRetrieverError } from '../errors.js';

/** @throws NerRetrieverError MODEL_FOLDER_TAKEN where something is in the place of a new model folder. */
export async function checkFree(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? [] : ['a file'],
  );
  if (names.length > 0) throw new NerRetrieverError('MODEL_FOLDER_TAKEN', { directory });
}

/** Makes a folder that `checkFree` found free, whole or not at all: `fill` is given one beside it, which takes its place at the end. */
export async function makeModelFolder<T>(directory: string, fill: (unfinished: string) => Promise<T>): Promise<T> {
  await mkdir(dirname(directory), { recursive: true });
  const unfinished = await mkdtemp(`${directory}.unfinished-`);
  try {
    const result = await fill(unfinished);
    // An empty folder may be in the place: it was checked to be empty.
    await rmdir(directory).catch(() => {});
    await rename(unfinished, directory);
    return result;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** What model.json says of a file. */
export interface FileFacts {
  readonly bytes: number;
  readonly sha256: string;
}

/** The facts of a small file, which is read whole. */
export async function fileFacts(path: string): Promise<FileFacts> {
  const bytes = await readFile(path);
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
