import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { NerRetrieverError } from '../errors.js';
import { externalDataLocationsOf } from './external-data-locations.js';
import type { ModelDescription } from './model-description.js';
import { modelFingerprint } from './model-fingerprint.js';
import { parseModelDescription } from './parse-model-description.js';

/** A model folder whose description and files were checked. */
export interface ModelFolder {
  /** Absolute path. */
  readonly directory: string;
  readonly description: ModelDescription;
  /** `sha256:…` of everything that decides a vector. */
  readonly fingerprint: string;
  /** Absolute path of a file that the description lists. */
  path(name: string): string;
}

/** Files up to this size are hashed at every open (a fraction of a second); of larger ones only the size is compared. */
const HASHED_BYTES = 256 * 2 ** 20;

/** Protobuf's own limit: a larger graph file cannot be one. */
const GRAPH_BYTES = 2 ** 31;

/**
 * Opens a model folder: reads model.json and checks it and every file that it lists.
 *
 * @throws NerRetrieverError MODEL_NOT_FOUND, MODEL_INVALID, MODEL_FORMAT_UNKNOWN, MODEL_PATH_OUTSIDE, MODEL_FILE_MISSING,
 *   MODEL_FILE_CHANGED.
 */
export async function openModelFolder(directory: string): Promise<ModelFolder> {
  const root = resolve(directory);
  const description = parseModelDescription(await readDescription(root), root);
  await Promise.all(Object.keys(description.files).map((name) => checkFile(root, name, description)));
  await checkExternalData(root, description);
  return checkedModelFolder(root, description);
}

/** The handle of a folder that was checked before, by this process: worker threads make theirs from the main thread's. */
export function checkedModelFolder(directory: string, description: ModelDescription): ModelFolder {
  return {
    directory,
    description,
    fingerprint: modelFingerprint(description),
    path: (name) => join(directory, name),
  };
}

async function readDescription(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, 'model.json'), 'utf8');
  } catch (cause) {
    throw new NerRetrieverError('MODEL_NOT_FOUND', { directory, reason: (cause as Error).message }, { cause });
  }
}

async function checkFile(directory: string, name: string, description: ModelDescription): Promise<void> {
  const path = join(directory, name);
  const expected = description.files[name];
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new NerRetrieverError('MODEL_FILE_MISSING', { directory, file: name });
  if (found.size !== expected?.bytes) {
    throw new NerRetrieverError('MODEL_FILE_CHANGED', {
      directory,
      file: name,
      expected: `${expected?.bytes} bytes`,
      received: `${found.size} bytes`,
    });
  }
  if (found.size > HASHED_BYTES) return;
  const sha256 = await hash(path);
  if (sha256 !== expected.sha256) {
    throw new NerRetrieverError('MODEL_FILE_CHANGED', {
      directory,
      file: name,
      expected: `SHA-256 ${expected.sha256}`,
      received: `SHA-256 ${sha256}`,
    });
  }
}

async function hash(path: string): Promise<string> {
  const sha256 = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 2 ** 20 })) sha256.update(bytes as Buffer);
  return sha256.digest('hex');
}

/** Weights outside the graph file must be files that the description lists, and so were checked with the others. */
async function checkExternalData(directory: string, description: ModelDescription): Promise<void> {
  const { file } = description.encoder;
  const invalid = (received: string, cause?: unknown) =>
    new NerRetrieverError('MODEL_INVALID', { directory, field: file, expected: 'an ONNX graph', received }, { cause });
  const bytes = description.files[file]?.bytes ?? 0;
  if (bytes >= GRAPH_BYTES) throw invalid(`a file of ${bytes} bytes, beyond protobuf's limit of 2 GiB`);
  let locations: string[];
  try {
    locations = externalDataLocationsOf(join(directory, file));
  } catch (cause) {
    if (cause instanceof RangeError) throw invalid(`broken protobuf (${cause.message})`, cause);
    throw cause;
  }
  for (const location of locations) {
    if (!Object.hasOwn(description.files, location)) {
      throw new NerRetrieverError('MODEL_INVALID', {
        directory,
        field: file,
        expected: 'external data only in files that model.json lists',
        received: JSON.stringify(location),
      });
    }
  }
}
