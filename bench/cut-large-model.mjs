// How much memory does `ner-retriever model prepare` take for a large model? Makes Llamas of Llama 3.1 8B's shape (random weights, float16; 32 blocks) of three
// widths, 4096 being the real one with 16 GB, cuts each at the value projection of block 17, and prints the peak resident memory of the process that cut and what was
// saved; and of one that runs the cut model, where that fits. The files lie in TMPDIR, one model at a time, and are taken away again. Linux alone tells the peak.
//   node bench/cut-large-model.mjs [WIDTH…]
import { fork } from 'node:child_process';
import { readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../packages/cli/dist/main.js';
import { elements, llamaWeights } from '../test/support/llama/llama-weights.ts';
import { writeLlama } from '../test/support/llama/write-llama.ts';
import { llama8b } from './llama-8b.mjs';
import { saveResult } from './save-result.mjs';
import { temporaryFolder } from './temporary-folder.mjs';

const block = 17;

if (process.send) {
  const exitCode = await main(process.argv.slice(2));
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  process.send({ exitCode, peakMiB: peakKiB / 1024 });
  process.disconnect();
} else {
  const widths = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1024, 2048, 4096];
  if (!widths.every((width) => width > 0 && width % 512 === 0))
    throw new Error(`WIDTH: expected multiples of 512, received ${process.argv.slice(2).join(' ')}`);
  const folder = temporaryFolder();
  const rows = [];
  for (const width of widths) {
    if (hasRoom(width)) rows.push(await measureWidth(width, folder));
    else
      console.log(
        `width ${width} is left out: it needs ${gigabytes(neededBytes(width))} in ${tmpdir()}, and 4 GB are left to others`,
      );
  }
  console.table(
    rows.map(({ width, sourceBytes, keptBytes, seconds, peakMiB, indexPeakMiB }) => ({
      width,
      weights: gigabytes(sourceBytes),
      kept: gigabytes(keptBytes),
      saved: `${gigabytes(sourceBytes - keptBytes)} (${Math.round(100 * (1 - keptBytes / sourceBytes))} %)`,
      'prepare, s': seconds.toFixed(1),
      'prepare, peak MiB': peakMiB.toFixed(0),
      'index, peak MiB': indexPeakMiB?.toFixed(0) ?? 'does not fit',
    })),
  );
  const most = Math.max(...rows.map(({ peakMiB }) => peakMiB * 2 ** 20));
  console.log(`prepare took ${gigabytes(most)} of memory at most: ${most < 1e9 ? 'under' : 'OVER'} 1 GB`);
  if (most >= 1e9) process.exitCode = 1;
  saveResult('cut-large-model', { block, rows });
}

/** Writes a Llama, cuts it, runs it once, and takes it away. */
async function measureWidth(width, folder) {
  const source = join(folder, 'llama');
  const out = join(folder, `llama-${block}`);
  console.log(`writing a Llama of width ${width}, ${gigabytes(weightBytes(width))} of weights`);
  await writeLlama(source, llama8b(width, 'float16'));
  const begin = performance.now();
  const peakMiB = await peakOf(['model', 'prepare', source, '--block', String(block), '--out', out]);
  const seconds = (performance.now() - begin) / 1000;
  const sourceBytes = statSync(join(source, 'model.onnx.data')).size;
  const keptBytes = statSync(join(out, 'encoder.onnx.data')).size;
  rmSync(source, { recursive: true });
  // ONNX Runtime has no products of float16 for every processor: it makes float32 of such weights when it loads them.
  const fits = 2.5 * keptBytes < freemem();
  const indexPeakMiB = fits ? await peakOfIndexing(out, folder) : null;
  for (const made of [out, `${out}.index`]) rmSync(made, { recursive: true, force: true });
  return { width, sourceBytes, keptBytes, seconds, peakMiB, indexPeakMiB };
}

function peakOfIndexing(model, folder) {
  const documents = join(folder, 'documents.jsonl');
  writeFileSync(documents, `${JSON.stringify({ id: 'a', text: 'Maria Callas', mentions: [{ start: 0, end: 12 }] })}\n`);
  return peakOf(['index', documents, '--index', `${model}.index`, '--model', model, '--workers', '1']);
}

/** Peak resident memory in MiB of a process that runs a command of `ner-retriever`. */
function peakOf(words) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), words);
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    child.once('message', ({ exitCode, peakMiB }) =>
      exitCode === 0 ? resolve(peakMiB) : reject(new Error(`${words.join(' ')} ended with exit code ${exitCode}`)),
    );
    child.once('exit', (code) => {
      process.off('exit', end);
      reject(new Error(`the measured process ended with exit code ${code} before it reported`));
    });
  });
}

function hasRoom(width) {
  const { bavail, bsize } = statfsSync(tmpdir());
  return neededBytes(width) + 4e9 < bavail * bsize;
}

/** The source, and less than two thirds of it once more. */
function neededBytes(width) {
  return (5 / 3) * weightBytes(width);
}

function weightBytes(width) {
  return llamaWeights(llama8b(width, 'float16')).reduce((sum, { dimensions }) => sum + 2 * elements(dimensions), 0);
}

function gigabytes(bytes) {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
