import { readFile } from 'node:fs/promises';
import { crc32c } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import type { NamedTensor } from '../projection/head-layers.js';
import { readSafetensors } from '../projection/read-safetensors.js';
import { writeSafetensors } from '../projection/write-safetensors.js';

/** What one epoch came to. */
export interface EpochResult {
  /** Counted from 1. */
  readonly epoch: number;
  /** Mean over its examples. */
  readonly loss: number;
  /** Macro mean over the held-out types; null where there are none. */
  readonly rPrecision: number | null;
}

/** A run after one of its epochs: all that the rest of it depends on. */
export interface Checkpoint {
  /** Of the options and the data: another run's checkpoint is not gone on from. */
  readonly run: string;
  readonly steps: number;
  readonly history: readonly EpochResult[];
  readonly parameters: Float32Array;
  readonly firstMoments: Float32Array;
  readonly secondMoments: Float32Array;
  /** The parameters after the best epoch. */
  readonly best: Float32Array;
}

const tensorNames = ['parameters', 'firstMoments', 'secondMoments', 'best'] as const;

/** Writes a checkpoint as .safetensors; the file holds the last one or this one, whole, whatever happens. */
export async function writeCheckpoint(file: string, checkpoint: Checkpoint): Promise<void> {
  const { run, steps, history } = checkpoint;
  const tensors = new Map(
    tensorNames.map((name): [string, NamedTensor] => [
      name,
      { shape: [checkpoint[name].length], data: checkpoint[name] },
    ]),
  );
  const facts = JSON.stringify({ run, steps, history, checksum: checksumOf(checkpoint) });
  try {
    await writeSafetensors(file, tensors, { 'ner-retriever-checkpoint': facts });
  } catch (cause) {
    throw new NerRetrieverError('FILE_UNWRITABLE', { file, reason: (cause as Error).message }, { cause });
  }
}

/**
 * The checkpoint in a file, or null where there is no file.
 *
 * @throws NerRetrieverError CHECKPOINT_REFUSED where it is damaged, or of another run.
 */
export async function readCheckpoint(file: string, run: string): Promise<Checkpoint | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new NerRetrieverError('FILE_UNREADABLE', { file, reason: (cause as Error).message }, { cause });
  }
  const refuse = (reason: string, cause?: unknown) =>
    new NerRetrieverError('CHECKPOINT_REFUSED', { file, reason }, { cause });
  let checkpoint: Checkpoint & { readonly checksum: number };
  try {
    const tensors = readSafetensors(bytes, file);
    const length = Number(Buffer.from(bytes.buffer, bytes.byteOffset, 8).readBigUInt64LE());
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const facts = JSON.parse(header.__metadata__['ner-retriever-checkpoint']);
    const [parameters, firstMoments, secondMoments, best] = tensorNames.map((name) => {
      const data = tensors.get(name)?.data;
      if (data === undefined) throw new RangeError(`it has no ${name}`);
      return data;
    }) as [Float32Array, Float32Array, Float32Array, Float32Array];
    checkpoint = { ...facts, parameters, firstMoments, secondMoments, best };
  } catch (cause) {
    throw refuse('it is damaged, or no checkpoint', cause);
  }
  if (checkpoint.checksum !== checksumOf(checkpoint)) throw refuse('it is damaged: its checksum does not fit');
  if (checkpoint.run !== run) throw refuse('it is of a run with other options or other data');
  return checkpoint;
}

function checksumOf(checkpoint: Checkpoint): number {
  return tensorNames.reduce((sum, name) => {
    const { buffer, byteOffset, byteLength } = checkpoint[name];
    return crc32c(new Uint8Array(buffer, byteOffset, byteLength), sum);
  }, 0);
}
