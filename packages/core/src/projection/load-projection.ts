import { type CudaDevice, Projection } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import { readProjection } from './read-projection.js';

/**
 * The projection of a model: its head's file, or L2 alone where it has none (null).
 *
 * @param device Where it runs; the CPU where none is given. L2 alone is not worth the way there.
 *
 * @throws NerRetrieverError HEAD_UNREADABLE, DIMENSIONS_DIFFER where the head does not take or give what it should.
 */
export async function loadProjection(
  head: string | null,
  input: number,
  output: number,
  device?: CudaDevice,
): Promise<Projection> {
  if (head === null) return new Projection([], input);
  const projection = await readProjection(head, device);
  expect('the input of the projection head', input, projection.inputDimensions);
  expect('the output of the projection head', output, projection.outputDimensions);
  return projection;
}

function expect(of: string, expected: number, received: number): void {
  if (expected !== received) throw new NerRetrieverError('DIMENSIONS_DIFFER', { of, expected, received });
}
