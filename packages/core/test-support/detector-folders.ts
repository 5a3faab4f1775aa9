import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { onTestFinished, vi } from 'vitest';

export type DetectorFixture =
  | 'bert-token-classifier'
  | 'bert-quantised-token-classifier'
  | 'roberta-token-classifier'
  | 'gliner-span'
  | 'gliner-token';

/** A folder of test/fixtures/detectors. */
export function detectorFixture(name: DetectorFixture): string {
  return fileURLToPath(new URL(`../../../test/fixtures/detectors/${name}`, import.meta.url));
}

/** A copy of a fixture that the test may spoil; removed when it ends. */
export async function detectorCopy(name: DetectorFixture): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ner-retriever-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(detectorFixture(name), folder, { recursive: true });
  return folder;
}

/** Sets fields of a JSON file; `undefined` takes one out. */
export async function changeJson(folder: string, file: string, fields: object): Promise<void> {
  const path = join(folder, file);
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...fields }));
}

/** How many requests a call sends to the detector's threads. */
export async function requestsOf(call: () => Promise<unknown>): Promise<number> {
  const posted = vi.spyOn(Worker.prototype, 'postMessage');
  try {
    await call();
    return posted.mock.calls.length;
  } finally {
    posted.mockRestore();
  }
}
