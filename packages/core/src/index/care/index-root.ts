import { resolve } from 'node:path';
import { checkOption } from '../../check-options.js';

/** The absolute path of an index folder, as somebody named it. */
export function indexRoot(directory: string): string {
  checkOption(typeof directory === 'string' && directory !== '', 'the index', 'the path of a folder', directory);
  return resolve(directory);
}
