// Does the memory of `ner-retriever index` grow with the number of documents? Peak resident memory of a process that indexes 10,000 and of one
// that indexes 50,000 one-sentence documents.
//   node bench/memory.mjs [FILE.jsonl]
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../packages/cli/dist/main.js';
import { saveResult } from './save-result.mjs';
import { oneSentenceDocuments } from './sentences.mjs';

const demoCorpus = fileURLToPath(new URL('../examples/demo/corpus.jsonl.gz', import.meta.url));

if (process.send) {
  const [documents, index] = process.argv.slice(2);
  const exitCode = await main(['index', documents, '--index', index]);
  process.send({ exitCode, peakMiB: process.resourceUsage().maxRSS / 1024 });
  process.disconnect();
} else {
  const file = process.argv[2] ?? demoCorpus;
  const rows = [];
  for (const count of [10_000, 50_000]) rows.push({ documents: count, peakMiB: await measure(file, count) });
  console.table(rows.map(({ documents, peakMiB }) => ({ documents, 'peak MiB': peakMiB.toFixed(0) })));
  console.log(`five times the documents, ${(rows[1].peakMiB / rows[0].peakMiB).toFixed(2)} times the memory`);
  saveResult('memory', { rows });
}

/** Peak resident memory in MiB of a process that indexes so many documents. */
function measure(file, count) {
  const directory = mkdtempSync(join(tmpdir(), 'ner-retriever-bench-'));
  const documents = join(directory, 'documents.jsonl');
  writeFileSync(
    documents,
    [...oneSentenceDocuments(file, count)].map((document) => `${JSON.stringify(document)}\n`).join(''),
  );
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [documents, join(directory, 'index')]);
    child.once('message', ({ exitCode, peakMiB }) =>
      exitCode === 0 ? resolve(peakMiB) : reject(new Error(`index ended with exit code ${exitCode}`)),
    );
    child.once('exit', (code) => {
      rmSync(directory, { recursive: true, force: true });
      reject(new Error(`the measured process ended with exit code ${code} before it reported`));
    });
  });
}
