import type { HeadDescription } from '@ner-retriever/core';
import { formatCount } from '../terminal/format.js';

/** "384 to 500 to 256 dimensions, 321,256 parameters, with a gate" */
export function headWords({ inputDimensions, layers, gate, parameters }: HeadDescription): string {
  const widths = [inputDimensions, ...layers.map(({ outputDimensions }) => outputDimensions)];
  return `${widths.join(' to ')} dimensions, ${formatCount(parameters)} parameters${gate ? ', with a gate' : ''}`;
}
