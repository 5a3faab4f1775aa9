import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const require = createRequire(fileURLToPath(import.meta.resolve('@ner-retriever/core/errors')));

/** Loads a package as @ner-retriever/core gets it: its dependencies are not this package's own. */
export async function importAsCore<Module>(name: string): Promise<Module> {
  return (await import(pathToFileURL(require.resolve(name)).href)) as Module;
}
