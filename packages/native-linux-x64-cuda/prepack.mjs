// Before `pack`: takes the library that compiling the addon made, without what only a debugger needs, and prints its size.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const built = fileURLToPath(new URL('../native/build/Release/ner_retriever_cuda.so', import.meta.url));
const packed = fileURLToPath(new URL('./ner_retriever_cuda.so', import.meta.url));

if (!existsSync(built)) {
  console.error(
    `Expected the CUDA library at ${built}, which is not there. It is made where nvcc is: npm run build:native in packages/native.`,
  );
  process.exit(1);
}
copyFileSync(built, packed);
spawnSync('strip', ['--strip-unneeded', packed], { stdio: 'inherit' });
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
console.error(
  `ner_retriever_cuda.so: ${megabytes(statSync(packed).size)}, packed ${megabytes(gzipSync(readFileSync(packed)).length)}`,
);
