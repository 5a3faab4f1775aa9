import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkIndex } from './check-index.mjs';
import { madeEntry } from './made-documents.mjs';
import { ModelIndex } from './model-index.mjs';
import { seededRandom } from './random.mjs';
import { SmallDisk } from './small-disk.mjs';
import { IndexFolder, NerRetrieverError } from './storage.mjs';

const dimensions = 64;
const model = { name: 'made up', version: '1', fingerprint: 'sha256:0', path: null };

/** True where it was done; false where the disk was full. */
async function fits(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    expect(NerRetrieverError.isInstance(error) && error.code, String(error)).toBe('DISK_FULL');
    return false;
  }
}

test.skipIf(!SmallDisk.isAllowed)(
  'a disk that is full at any point of adding, deleting and compacting: an error, and the index is as it was',
  async () => {
    const disk = new SmallDisk(3000);
    const random = seededRandom(3);
    const directory = join(disk.path, 'index');
    let state = new ModelIndex(dimensions);
    await IndexFolder.create(directory, { model, dimensions, precision: 'int8' });
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    const commit = async (put: [string, number][]) => {
      const done = await fits(() => writer.commit(put.map(([id, version]) => madeEntry(id, version, dimensions))));
      if (done) state = state.after({ put });
      return done;
    };
    const usedKilobytes = () => {
      const { blocks, bfree, bsize } = statfsSync(disk.path);
      return Math.ceil(((blocks - bfree) * bsize) / 1024);
    };
    try {
      // Until nothing fits, of any size.
      for (let version = 1, count = 200; count >= 1; version += 1) {
        const put = Array.from({ length: count }, (): [string, number] => [`d${random(1500)}`, version]);
        if (!(await commit([...new Map(put)]))) count = Math.floor(count / 2);
      }
      expect(state.size).toBeGreaterThan(200);
      await checkIndex(directory, [state], random);

      // A little more room each time, so that it ends at each step of what is done.
      const outcomes = new Set<string>();
      for (let spare = 0; spare < 6000; spare += 150 + random(250)) {
        disk.resize(usedKilobytes() + spare);
        const gone = state.ids[random(state.size)] as string;
        const isDeleted = await fits(() => writer.delete(gone));
        if (isDeleted) state = state.after({ remove: gone });
        const isCompacted = await fits(() => writer.compact({ signal: undefined, report: () => {} }));
        const isAdded = await commit([[`more ${spare}`, 1]]);
        outcomes.add(`deleted ${isDeleted}`).add(`compacted ${isCompacted}`).add(`added ${isAdded}`);
        await checkIndex(directory, [state], random);
        disk.resize(20_000);
        await commit(state.ids.slice(0, 40).map((id) => [id, spare + 10_000])); // something to compact
      }
      expect(outcomes).toContain('compacted false');
      expect(outcomes).toContain('compacted true');
      await checkIndex(directory, [state], random);
      await writer.close();
    } finally {
      folder.close();
      disk.close();
    }
  },
  120_000,
);
