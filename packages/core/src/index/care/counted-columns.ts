import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { segmentColumns } from '@ner-retriever/native';
import type { Block } from '../catalog/stored-block.js';
import { segmentFiles } from '../segments/segment-files.js';
import type { VectorLayout } from '../segments/segment-writer.js';

/** A column of a segment, open for reading. */
export interface CountedColumn {
  readonly name: string;
  readonly file: string;
  /** Bytes of a mention's value. */
  readonly rowBytes: number;
  /** Null: the file is missing. */
  readonly handle: FileHandle | null;
  readonly size: number;
}

/** A segment that the catalog counts, with its blocks in the order of their rows. */
export interface CountedColumns {
  readonly segment: number;
  readonly rows: number;
  readonly blocks: readonly Block[];
  readonly columns: readonly CountedColumn[];
}

/** Opens every file that `blocks` count on; a compaction that takes them away then does not matter any more. */
export async function openCountedColumns(layout: VectorLayout, blocks: readonly Block[]): Promise<CountedColumns[]> {
  const opened: CountedColumns[] = [];
  try {
    for (const [segment, own] of bySegment(blocks)) {
      const columns: CountedColumn[] = [];
      opened.push({ segment, rows: own.reduce((sum, { rows }) => sum + rows, 0), blocks: own, columns });
      const names = segmentColumns(layout.precision, layout.dimensions);
      const files = segmentFiles(layout.directory, segment, layout.precision, layout.dimensions);
      for (const [index, { file, rowBytes }] of files.entries()) {
        const handle = await openIfThere(file);
        const size = handle ? (await handle.stat()).size : 0;
        columns.push({ name: names[index]?.name as string, file, rowBytes, handle, size });
      }
    }
    return opened;
  } catch (error) {
    await closeColumns(opened);
    throw error;
  }
}

export async function closeColumns(segments: readonly CountedColumns[]): Promise<void> {
  for (const { columns } of segments) for (const { handle } of columns) await handle?.close();
}

/** Bytes of rows `first` to before `end`, some whole rows at a time; fewer where the file ends before. */
export async function* readRows(
  { handle, rowBytes, size }: CountedColumn,
  first: number,
  end: number,
): AsyncGenerator<{ row: number; bytes: Buffer }> {
  const lastRow = Math.min(end, Math.floor(size / rowBytes));
  const rowsAtOnce = Math.max(1, Math.floor(bytesAtOnce / rowBytes));
  if (handle === null) return;
  for (let row = first; row < lastRow; row += rowsAtOnce) {
    const wanted = Math.min(rowsAtOnce, lastRow - row) * rowBytes;
    const bytes = Buffer.allocUnsafe(wanted);
    let done = 0;
    while (done < wanted) {
      const { bytesRead } = await handle.read(bytes, done, wanted - done, row * rowBytes + done);
      if (bytesRead === 0) return; // it was cut meanwhile
      done += bytesRead;
    }
    yield { row, bytes };
  }
}

const bytesAtOnce = 4 * 1024 * 1024;

function bySegment(blocks: readonly Block[]): Map<number, Block[]> {
  const segments = new Map<number, Block[]>();
  for (const block of blocks) {
    const own = segments.get(block.segment);
    if (own) own.push(block);
    else segments.set(block.segment, [block]);
  }
  return segments;
}

async function openIfThere(file: string): Promise<FileHandle | null> {
  try {
    return await open(file, constants.O_RDONLY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
