import { createRequire } from 'node:module';
import { platformName } from './load-addon.js';

const require = createRequire(import.meta.url);

/**
 * The CUDA library of this platform's package, an optional dependency (`@ner-retriever/native-linux-x64-cuda`); null where it is not
 * installed, as everywhere that nobody made one for.
 */
export function packagedCuda(): string | null {
  if (platformName() !== 'linux-x64-gnu') return null;
  try {
    return require.resolve('@ner-retriever/native-linux-x64-cuda/ner_retriever_cuda.so');
  } catch {
    return null;
  }
}
