import { Projection } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import type { ModelFolder } from '../model/model-folder.js';
import { readProjection } from './read-projection.js';

/**
 * The projection of a model folder; L2 alone where the model has no head.
 *
 * @throws NerRetrieverError HEAD_UNREADABLE, DIMENSIONS_DIFFER where the head does not fit the tap or the description.
 */
export async function loadProjection({ description, path }: ModelFolder): Promise<Projection> {
  const { head, tap, dimensions } = description;
  if (head === null) return new Projection([], tap.dimensions);
  const projection = await readProjection(path(head));
  expect('the input of the projection head', tap.dimensions, projection.inputDimensions);
  expect('the output of the projection head', dimensions, projection.outputDimensions);
  return projection;
}

function expect(of: string, expected: number, received: number): void {
  if (expected !== received) throw new NerRetrieverError('DIMENSIONS_DIFFER', { of, expected, received });
}
