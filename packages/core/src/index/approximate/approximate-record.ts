import { readFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '@ner-retriever/native';
import { NerRetrieverError } from '../../errors.js';
import { writeFileDurably } from '../write-file-durably.js';
import { fileChecksum } from './file-checksum.js';

/** What is known of an index's approximate index: `approximate.json`, written once the file it names is whole. */
export interface ApproximateRecord {
  /** FAISS's description of it; null where it came from elsewhere. */
  readonly factory: string | null;
  /** It holds rows 0 to `rows` of this generation, and nothing that a compaction has moved since. */
  readonly generation: number;
  readonly rows: number;
  /** Name of the standard FAISS file in the index folder. */
  readonly file: string;
  readonly bytes: number;
  /** CRC32C of the file. */
  readonly checksum: number;
}

const recordFile = 'approximate.json';
const fileName = /^approximate-[0-9a-z]+\.faiss$/;

/** A name that no other file of the folder has. */
export function newApproximateName(): string {
  return `approximate-${Date.now().toString(36)}${process.pid.toString(36)}.faiss`;
}

export function readApproximateRecord(directory: string): ApproximateRecord | undefined {
  const file = join(directory, recordFile);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { recordChecksum, ...record } = parse(text);
  if (recordChecksum !== checksumOf(record) || !fileName.test(String(record.file))) {
    throw new NerRetrieverError('INDEX_DAMAGED', { file, reason: 'its content and its checksum do not agree' });
  }
  return record as unknown as ApproximateRecord;
}

/** @throws NerRetrieverError INDEX_DAMAGED where the file that a record names is not what was written */
export async function checkApproximateFile(directory: string, record: ApproximateRecord): Promise<void> {
  const file = join(directory, record.file);
  const { size } = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new NerRetrieverError('INDEX_DAMAGED', { file, reason: 'it is missing' }, { cause });
  });
  if (size === record.bytes && (await fileChecksum(file)).checksum === record.checksum) return;
  throw new NerRetrieverError('INDEX_DAMAGED', { file, reason: 'it is not what was written' });
}

/** From now on this is the approximate index; the file that it names is whole and durable. */
export async function writeApproximateRecord(directory: string, record: ApproximateRecord): Promise<void> {
  const content = { ...record, recordChecksum: checksumOf(record) };
  await writeFileDurably(join(directory, recordFile), `${JSON.stringify(content, null, 2)}\n`);
  await removeFilesExcept(directory, record.file);
}

/** False where there was none. */
export async function removeApproximate(directory: string): Promise<boolean> {
  const existed = (await readdir(directory)).includes(recordFile);
  await rm(join(directory, recordFile), { force: true });
  await removeFilesExcept(directory, undefined);
  return existed;
}

/** Gives back the room of a file that a compaction has made useless; that there was one stays known. */
export async function removeStaleApproximate(directory: string, generation: number): Promise<void> {
  const record = readApproximateRecord(directory);
  if (record && record.generation !== generation) await removeFilesExcept(directory, undefined);
}

async function removeFilesExcept(directory: string, kept: string | undefined): Promise<void> {
  for (const name of await readdir(directory)) {
    if (fileName.test(name) && name !== kept) await rm(join(directory, name), { force: true });
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function checksumOf(record: object): number {
  return crc32c(Buffer.from(JSON.stringify(record)));
}
