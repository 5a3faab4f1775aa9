import { readFile, stat } from 'node:fs/promises';
import { Projection } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import { headLayers, type LinearLayer } from './head-layers.js';
import { readPytorch } from './read-pytorch.js';
import { readSafetensors } from './read-safetensors.js';

/** A larger file is not read: the published head has 3 MB. */
const FILE_BYTES = 2 ** 30;

/** The native projection of a head file. @throws NerRetrieverError HEAD_UNREADABLE. */
export async function readProjection(path: string): Promise<Projection> {
  const layers = await readHead(path);
  return new Projection(
    layers.map(({ weight, bias }) => ({ weight, bias })),
    layers[0]?.inputDimensions as number,
  );
}

/** The layers of a head file, by its ending: .safetensors, or else PyTorch's. @throws NerRetrieverError HEAD_UNREADABLE. */
export async function readHead(path: string): Promise<LinearLayer[]> {
  const bytes = await read(path);
  const tensors = path.endsWith('.safetensors') ? readSafetensors(bytes, path) : readPytorch(bytes, path);
  return headLayers(tensors, path);
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
