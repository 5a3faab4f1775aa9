import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { catalogFile } from '../catalog/catalog.js';
import { segmentsDirectory } from '../segments/segment-files.js';

/** How much disk an index takes. */
export interface IndexBytes {
  readonly vectors: number;
  /** Documents, mentions, full text. */
  readonly catalog: number;
  /** All files, the small ones too. */
  readonly total: number;
}

/** Sizes of the files as they are now. */
export function indexBytes(directory: string): IndexBytes {
  const bytes = { vectors: 0, catalog: 0, total: 0 };
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    // One that a writer takes away meanwhile has no bytes.
    const facts = statSync(join(directory, name), { throwIfNoEntry: false });
    if (!facts?.isFile()) continue;
    bytes.total += facts.size;
    if (name.startsWith(segmentsDirectory)) bytes.vectors += facts.size;
    if (name.startsWith(catalogFile)) bytes.catalog += facts.size;
  }
  return bytes;
}
