import { existsSync } from 'node:fs';
import { NerRetrieverError } from './errors.js';
import type { Manifest } from './index/manifest.js';

/** What tells the model of an index apart from others. */
export interface ModelIdentity {
  readonly name: string;
  readonly version: string;
  readonly fingerprint: string;
  readonly dimensions: number;
}

/** Path of the model that made an index, or its id where it comes from the hub and its cache is gone; undefined: the bundled one. */
export function rememberedModel(manifest: Manifest | null, directory: string): string | undefined {
  const path = manifest?.model.path ?? undefined;
  if (manifest && path !== undefined && !existsSync(path)) {
    if (manifest.model.source !== undefined) return manifest.model.source;
    throw new NerRetrieverError('INDEX_MODEL_MISSING', { directory, name: manifest.model.name, path });
  }
  return path;
}

/** Vectors of two models cannot be compared: a ranking over them would be noise that looks like an answer. */
export function checkIndexModel(directory: string, manifest: Manifest, received: ModelIdentity): void {
  const { name, version, fingerprint } = manifest.model;
  if (fingerprint === received.fingerprint && manifest.dimensions === received.dimensions) return;
  throw new NerRetrieverError('INDEX_MODEL_MISMATCH', {
    directory,
    expectedName: `${name} ${version}`,
    expected: fingerprint,
    receivedName: `${received.name} ${received.version}`,
    received: received.fingerprint,
  });
}
