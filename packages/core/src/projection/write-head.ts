import type { LinearLayer, NamedTensor } from './head-layers.js';
import { writeSafetensors } from './write-safetensors.js';

/** Writes the layers of a projection head as .safetensors, named as in the published head: net.0, net.3 and so on. */
export async function writeHead(
  path: string,
  layers: readonly LinearLayer[],
  gate: Float32Array | null = null,
): Promise<void> {
  const tensors = new Map<string, NamedTensor>();
  if (gate !== null) tensors.set('gate', { shape: [gate.length], data: gate });
  for (const [i, { weight, bias, inputDimensions, outputDimensions }] of layers.entries()) {
    tensors.set(`net.${3 * i}.weight`, { shape: [outputDimensions, inputDimensions], data: weight });
    tensors.set(`net.${3 * i}.bias`, { shape: [outputDimensions], data: bias });
  }
  await writeSafetensors(path, tensors);
}
