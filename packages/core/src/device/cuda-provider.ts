import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** ONNX Runtime's CUDA provider: libraries that its npm package downloads in its install script, if that is let run. */
export interface CudaProvider {
  readonly installed: boolean;
  /** The folder that it lies in, or would. */
  readonly directory: string;
  /** What installs it, on a machine with a network. */
  readonly install: string;
}

const libraries = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'];

/** Whether the files are there. Whether they load (CUDA 12 and cuDNN 9 must be installed too) only a session tells. */
export function cudaProvider(): CudaProvider {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve('onnxruntime-node/package.json'));
  const directory = join(root, 'bin', 'napi-v6', process.platform, process.arch);
  return {
    installed: libraries.every((library) => existsSync(join(directory, library))),
    directory,
    install: `ONNXRUNTIME_NODE_INSTALL=cuda12 node ${JSON.stringify(join(root, 'script', 'install.js'))}`,
  };
}
