// Does the memory of an indexing run grow with the number of documents? Peak resident memory of a process that indexes 10,000 and of one that
// indexes 50,000 one-sentence documents.
//   node bench/memory.mjs [FILE.jsonl]
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Retriever } from '@ner-retriever/core';
import { saveResult } from './save-result.mjs';
import { oneSentenceDocuments } from './sentences.mjs';

const demoCorpus = fileURLToPath(new URL('../examples/demo/corpus.jsonl', import.meta.url));

if (process.send) {
  const [file, count, directory] = process.argv.slice(2);
  const retriever = await Retriever.open(directory, { create: true });
  const { documents, mentions, elapsedMs } = await retriever.add(oneSentenceDocuments(file, Number(count)));
  await retriever.close();
  process.send({ documents, mentions, seconds: elapsedMs / 1000, peakMiB: process.resourceUsage().maxRSS / 1024 });
} else {
  const file = process.argv[2] ?? demoCorpus;
  const rows = [];
  for (const count of [10_000, 50_000]) rows.push(await measure(file, count));
  console.table(
    rows.map((row) => ({
      documents: row.documents,
      mentions: row.mentions,
      s: row.seconds.toFixed(1),
      'peak MiB': row.peakMiB.toFixed(0),
    })),
  );
  console.log(`five times the documents, ${(rows[1].peakMiB / rows[0].peakMiB).toFixed(2)} times the memory`);
  saveResult('memory', { rows });
}

function measure(file, count) {
  const directory = mkdtempSync(join(tmpdir(), 'ner-retriever-bench-'));
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [file, String(count), directory]);
    child.once('message', resolve);
    child.once('exit', (code) => {
      rmSync(directory, { recursive: true, force: true });
      reject(new Error(`the measured process ended with exit code ${code} before it reported`));
    });
  });
}
