import { readFile, stat } from 'node:fs/promises';
import { type CudaDevice, Projection } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import { foldGate, type HeadWeights, headWeights, type LinearLayer } from './head-layers.js';
import { readNpz } from './read-npz.js';
import { readPytorch } from './read-pytorch.js';
import { readSafetensors } from './read-safetensors.js';

/** A larger file is not read: the published head has 3 MB. */
const FILE_BYTES = 2 ** 30;

/** The native projection of a head file. @throws NerRetrieverError HEAD_UNREADABLE. */
export async function readProjection(path: string, device?: CudaDevice): Promise<Projection> {
  return projectionOf(await readHead(path), device);
}

/** Layers as the native library takes them. */
export function projectionOf(layers: readonly LinearLayer[], device?: CudaDevice): Projection {
  return new Projection(
    layers.map(({ weight, bias }) => ({ weight, bias })),
    (layers[0] as LinearLayer).inputDimensions,
    device && { device },
  );
}

/** The layers of a head file, a gate taken into the first one. @throws NerRetrieverError HEAD_UNREADABLE. */
export async function readHead(path: string): Promise<LinearLayer[]> {
  return [...foldGate(await readHeadWeights(path))];
}

/** The weights of a head file, by its ending: .safetensors, .npz, or else PyTorch's. @throws NerRetrieverError HEAD_UNREADABLE. */
export async function readHeadWeights(path: string): Promise<HeadWeights> {
  const bytes = await read(path);
  const reader = path.endsWith('.safetensors') ? readSafetensors : path.endsWith('.npz') ? readNpz : readPytorch;
  return headWeights(reader(bytes, path), path);
}

async function read(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= FILE_BYTES) return await readFile(path);
    throw new Error(`${size} bytes, more than the ${FILE_BYTES} that are read`);
  } catch (cause) {
    throw new NerRetrieverError(
      'HEAD_UNREADABLE',
      { file: path, expected: 'a file that can be read', received: (cause as Error).message },
      { cause },
    );
  }
}
