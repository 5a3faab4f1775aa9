import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c, type Precision } from '@ner-retriever/native';
import { checkOption } from '../check-options.js';
import { NerRetrieverError } from '../errors.js';
import { writeFileDurably } from './write-file-durably.js';

/** The format that this version writes, and the only one that it reads: format 1 was never released. */
export const indexFormat = 2;

export const manifestFile = 'manifest.json';

/** The model that made the vectors of an index. */
export interface IndexModel {
  readonly name: string;
  readonly version: string;
  /** What decides a vector, as `ModelFolder.fingerprint` says it. */
  readonly fingerprint: string;
  /** Absolute path of the model folder; null: the bundled model, wherever this package is installed. */
  readonly path: string | null;
  /** `owner/name@commit` of a model from the Hugging Face hub, whose folder is only its cache. */
  readonly source?: string;
}

/** `manifest.json` of an index folder: what must be known before anything else is opened. Written once the rest is whole. */
export interface Manifest {
  readonly format: number;
  readonly model: IndexModel;
  /** Columns of a vector. */
  readonly dimensions: number;
  /** How vectors are kept. */
  readonly precision: Precision;
  /** The mark of the catalog that belongs to it. */
  readonly catalog: number;
}

const precisions: readonly Precision[] = ['int8', 'float32', 'bfloat16'];

/** The manifest of an index folder, or null where there is none. */
export async function readManifest(directory: string): Promise<Manifest | null> {
  const file = join(directory, manifestFile);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    // ENOTDIR: the directory is a file, which whoever looks for an index says better.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NerRetrieverError('INDEX_DAMAGED', { file, reason: 'it is not JSON' }, { cause });
  }
  return checkManifest(value, directory, file);
}

/** Whether a precision can be asked of an index, or of one that is not made yet (null). */
export function checkPrecision(directory: string, manifest: Manifest | null, expected: Precision | undefined): void {
  if (expected === undefined) return;
  checkOption(precisions.includes(expected), 'precision', precisions.join(', '), expected);
  if (manifest === null || manifest.precision === expected) return;
  throw new NerRetrieverError('INDEX_PRECISION_MISMATCH', { directory, expected, received: manifest.precision });
}

export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const content = { ...manifest, checksum: checksumOf(manifest) };
  await writeFileDurably(join(directory, manifestFile), `${JSON.stringify(content, null, 2)}\n`);
}

function checkManifest(value: unknown, directory: string, file: string): Manifest {
  if (!isObject(value) || !Number.isInteger(value.format) || (value.format as number) < 1) {
    throw new NerRetrieverError('NOT_AN_INDEX', { directory, reason: `its ${manifestFile} is not one of an index` });
  }
  const received = value.format as number;
  if (received !== indexFormat) {
    const code = received > indexFormat ? 'INDEX_FORMAT_NEWER' : 'INDEX_FORMAT_OLDER';
    throw new NerRetrieverError(code, { directory, expected: indexFormat, received });
  }
  const { checksum, ...manifest } = value;
  if (checksum !== checksumOf(manifest)) {
    throw new NerRetrieverError('INDEX_DAMAGED', { file, reason: 'its content and its checksum do not agree' });
  }
  if (!isManifest(manifest)) {
    throw new NerRetrieverError('INDEX_DAMAGED', {
      file,
      reason: 'its model, dimensions, precision or catalog make no sense',
    });
  }
  return manifest;
}

/** CRC32C of the content as compact JSON, in the order that it stands in the file. */
function checksumOf(content: object): string {
  return crc32c(Buffer.from(JSON.stringify(content)))
    .toString(16)
    .padStart(8, '0');
}

function isManifest(value: object): value is Manifest {
  const { model, dimensions, precision, catalog } = value as Record<string, unknown>;
  return (
    isObject(model) &&
    typeof model.name === 'string' &&
    typeof model.version === 'string' &&
    typeof model.fingerprint === 'string' &&
    (model.path === null || typeof model.path === 'string') &&
    (model.source === undefined || typeof model.source === 'string') &&
    Number.isInteger(dimensions) &&
    (dimensions as number) > 0 &&
    (dimensions as number) <= maximumDimensions &&
    precisions.includes(precision as Precision) &&
    Number.isInteger(catalog)
  );
}

/** Far above any encoder; keeps a damaged number from asking for absurd memory. */
const maximumDimensions = 65_536;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
