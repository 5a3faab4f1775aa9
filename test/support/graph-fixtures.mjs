// The graphs and weights of test/fixtures/graphs lie in git as one archive: most of them are the same weights in another file, so that together they take less
// than a third. The tests unpack it when they begin. After the scripts of test/golden/graphs have written files, pack them anew:
//   node test/support/graph-fixtures.mjs
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

const folder = fileURLToPath(new URL('../fixtures/graphs', import.meta.url));
const archive = `${folder}.br`;
/** Holds the digest of the archive that was unpacked last. */
const stamp = join(folder, '.unpacked');

/** Vitest calls it before the first test. */
export function setup() {
  const packed = readFileSync(archive);
  const digest = createHash('sha256').update(packed).digest('hex');
  if (stampedDigest() === digest) return;
  const bytes = brotliDecompressSync(packed);
  const headerEnd = bytes.indexOf('\n');
  let at = headerEnd + 1;
  for (const { path, length } of JSON.parse(bytes.toString('utf8', 0, headerEnd))) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    // Under another name first: tests of another process may be reading it.
    writeFileSync(`${file}.unpacking`, bytes.subarray(at, at + length));
    renameSync(`${file}.unpacking`, file);
    at += length;
  }
  if (at !== bytes.length) throw new Error(`${archive}: expected ${at} bytes, but it holds ${bytes.length}`);
  writeFileSync(stamp, digest);
}

/** The archive: a line of JSON, `[{"path", "length"}]`, then the files one behind the other; all of it compressed by Brotli. */
function pack() {
  const files = readdirSync(folder, { recursive: true })
    .filter((path) => /\.(onnx|data|npy)$/.test(path))
    .sort()
    .map((path) => ({ path, bytes: readFileSync(join(folder, path)) }));
  const header = JSON.stringify(files.map(({ path, bytes }) => ({ path, length: bytes.length })));
  const whole = Buffer.concat([Buffer.from(`${header}\n`), ...files.map(({ bytes }) => bytes)]);
  const { BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  const params = { [BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS, [BROTLI_PARAM_SIZE_HINT]: whole.length };
  writeFileSync(archive, brotliCompressSync(whole, { params }));
}

function stampedDigest() {
  try {
    return readFileSync(stamp, 'utf8');
  } catch {
    return null;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) pack();
