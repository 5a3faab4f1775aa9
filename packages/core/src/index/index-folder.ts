import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CudaDevice } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import type { Document } from '../text/document.js';
import { type IndexBytes, indexBytes } from './care/index-bytes.js';
import { Catalog, catalogFile } from './catalog/catalog.js';
import type { Totals } from './catalog/totals.js';
import { IndexSnapshot } from './index-snapshot.js';
import { IndexWriter } from './index-writer.js';
import { indexFormat, type Manifest, readManifest, writeManifest } from './manifest.js';
import { MappedVectors } from './segments/mapped-vectors.js';
import { segmentFiles, segmentsDirectory } from './segments/segment-files.js';
import type { VectorLayout } from './segments/segment-writer.js';
import { storageError } from './storage-error.js';
import { syncDirectory } from './write-file-durably.js';
import { holderFile, lockFile, WriterLock } from './writer-lock.js';

/**
 * An index on disk, open for reading; `openWriter` makes the one writer. A reader works beside a writer, of this process or
 * another one, and sees what it commits.
 */
export class IndexFolder {
  readonly directory: string;
  readonly manifest: Manifest;
  /** The reader's own connection. */
  readonly catalog: Catalog;
  /** The writers' connection, one after the other. */
  #writing: Catalog | undefined;
  /** Connections for snapshots that nobody uses now. */
  readonly #snapshots: Catalog[] = [];
  /** Of the newest generation that was searched. */
  #vectors: MappedVectors | undefined;
  #device: CudaDevice | null = null;
  #mapping: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, manifest: Manifest, catalog: Catalog) {
    this.directory = directory;
    this.manifest = manifest;
    this.catalog = catalog;
  }

  /** The manifest of the index in a directory; null where the directory is missing, empty, or a making that was cut short. */
  static async inspect(directory: string): Promise<Manifest | null> {
    try {
      return (await readManifest(directory)) ?? (await checkVacant(directory));
    } catch (error) {
      throw storageError(error, directory);
    }
  }

  static async open(directory: string): Promise<IndexFolder> {
    const manifest = await IndexFolder.inspect(directory);
    if (!manifest) throw new NerRetrieverError('INDEX_NOT_FOUND', { directory });
    let catalog: Catalog | undefined;
    try {
      catalog = Catalog.openForReading(directory);
      catalog.checkMark(manifest.catalog);
      await checkSegments({ directory, ...manifest }, catalog);
      return new IndexFolder(directory, manifest, catalog);
    } catch (error) {
      catalog?.close();
      throw storageError(error, directory);
    }
  }

  /** Makes an empty index. The manifest comes last: until it is there, the folder is no index and may be made again. */
  static async create(directory: string, manifest: Omit<Manifest, 'format' | 'catalog'>): Promise<void> {
    try {
      const made = await mkdir(directory, { recursive: true });
      const lock = await lockForMaking(directory);
      try {
        if (await readManifest(directory)) return; // another process was faster
        await mkdir(join(directory, segmentsDirectory), { recursive: true });
        const catalog = Catalog.create(directory);
        const { mark } = catalog;
        catalog.checkpoint();
        catalog.close();
        await syncDirectory(directory);
        await writeManifest(directory, { format: indexFormat, ...manifest, catalog: mark });
        // A power cut must not take the folder itself away, nor those around it that were made.
        for (let at = directory; made && at.length >= made.length; at = dirname(at)) await syncDirectory(dirname(at));
      } finally {
        lock.release();
      }
    } catch (error) {
      throw storageError(error, directory);
    }
  }

  /** How the vectors of this index are kept. */
  get layout(): VectorLayout {
    const { dimensions, precision } = this.manifest;
    return { directory: this.directory, dimensions, precision };
  }

  /** Searches on a GPU from the next snapshot on. It stays the caller's, who closes it after this. */
  searchOn(device: CudaDevice): void {
    this.#device = device;
  }

  get searchesOnGpu(): boolean {
    return this.#device !== null;
  }

  /** Why the rows are searched on the CPU although there is a GPU (they do not fit, for example); null where they are not. */
  get deviceFault(): string | null {
    return this.#vectors?.segments.deviceFault ?? null;
  }

  openWriter(): Promise<IndexWriter> {
    return IndexWriter.open(this.layout, () => {
      this.#writing ??= Catalog.openForWriting(this.directory);
      return this.#writing;
    });
  }

  /** The index as it is now, whatever happens to it meanwhile. To be disposed of (`using`). */
  async snapshot(): Promise<IndexSnapshot> {
    for (;;) {
      const catalog = this.#guard(() => this.#startSnapshot());
      let vectors: MappedVectors | undefined;
      try {
        vectors = await this.#hold(catalog);
        return new IndexSnapshot(catalog, vectors, (done) => this.#endSnapshot(done));
      } catch (error) {
        vectors?.release();
        const generation = catalog.totals().generation;
        this.#guard(() => this.#endSnapshot(catalog));
        // A compaction that came between the two has taken the files away: there is a newer state.
        if (this.#guard(() => this.catalog.totals().generation) === generation)
          throw storageError(error, this.directory);
      }
    }
  }

  /** The document with an id. */
  get(id: string): Document | undefined {
    return this.#guard(() =>
      this.catalog.read(() => {
        const found = this.catalog.find(id);
        if (!found) {
          this.catalog.checkAbsent(id);
          return undefined;
        }
        const document = this.catalog.document(found.ordinal)?.document;
        return document?.id === id ? document : this.catalog.damagedIds(id);
      }),
    );
  }

  totals(): Totals {
    return this.#guard(() => this.catalog.totals());
  }

  /** What the index holds, of one state. `segments`: how many hold rows. */
  counts(): { totals: Totals; segments: number; freeBytes: number } {
    return this.#guard(() =>
      this.catalog.read(() => ({
        totals: this.catalog.totals(),
        segments: this.catalog.segments().length,
        freeBytes: this.catalog.freeBytes(),
      })),
    );
  }

  bytes(): IndexBytes {
    return this.#guard(() => indexBytes(this.directory));
  }

  close(): void {
    this.#vectors?.release();
    this.#vectors = undefined;
    for (const catalog of [this.catalog, this.#writing, ...this.#snapshots.splice(0)]) catalog?.close();
  }

  #startSnapshot(): Catalog {
    const catalog = this.#snapshots.pop() ?? Catalog.openForReading(this.directory);
    catalog.holdSnapshot();
    return catalog;
  }

  #endSnapshot(catalog: Catalog): void {
    catalog.endSnapshot();
    this.#snapshots.push(catalog);
  }

  /** The vectors of a snapshot's generation, with all rows that the snapshot counts. */
  #hold(catalog: Catalog): Promise<MappedVectors> {
    const held = this.#mapping.then(async () => {
      const generation = catalog.totals().generation;
      if (this.#vectors?.generation !== generation) {
        if ((this.#vectors?.generation ?? 0) > generation) throw new Error(`generation ${generation} is over`);
        this.#vectors?.release();
        this.#vectors = new MappedVectors(this.layout, generation, this.#device);
      }
      await this.#vectors.extend(catalog);
      return this.#vectors.hold();
    });
    this.#mapping = held.catch(() => undefined);
    return held;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageError(error, this.directory);
    }
  }
}

/** Two processes may make an index at once: the second waits the moment that it takes, and then finds it made. */
async function lockForMaking(directory: string): Promise<WriterLock> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await WriterLock.acquire(directory);
    } catch (error) {
      if (!NerRetrieverError.isInstance(error) || error.code !== 'INDEX_LOCKED' || attempt === 100) throw error;
      await sleep(50);
    }
  }
}

/** Null where an index may be made; an error where something else lies. */
async function checkVacant(directory: string): Promise<null> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (code === 'ENOTDIR') throw new NerRetrieverError('NOT_AN_INDEX', { directory, reason: 'it is no folder' });
    throw error;
  }
  const foreign = names.find((name) => !isOwn(name));
  if (foreign === undefined) return null;
  throw new NerRetrieverError('NOT_AN_INDEX', {
    directory,
    reason: `it has no manifest.json, and other things lie in it (${foreign})`,
  });
}

/** What a killed making of an index can leave behind, and what is in every empty disk. */
function isOwn(name: string): boolean {
  return (
    name.startsWith(catalogFile) ||
    name.startsWith(lockFile) ||
    name === holderFile ||
    name === segmentsDirectory ||
    name === 'manifest.json.new' ||
    name === 'lost+found' // the root of a disk
  );
}

/** Every segment must hold at least the rows that the catalog counts on; more may be a commit under way. */
async function checkSegments(layout: VectorLayout, catalog: Catalog): Promise<void> {
  const { directory, precision, dimensions } = layout;
  const generation = catalog.totals().generation;
  try {
    for (const { segment, rows } of catalog.segments()) {
      for (const { file, rowBytes } of segmentFiles(directory, segment, precision, dimensions)) {
        await checkSize(file, rows * rowBytes);
      }
    }
  } catch (error) {
    // A compaction that came between has taken the files away: those that it made count now.
    if (catalog.totals().generation === generation) throw error;
    await checkSegments(layout, catalog);
  }
}

async function checkSize(file: string, expected: number): Promise<void> {
  const size = await stat(file).then(
    (facts) => facts.size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    },
  );
  if (size !== null && size >= expected) return;
  const reason = size === null ? 'it is missing' : `it has ${size} bytes where the catalog counts on ${expected}`;
  throw new NerRetrieverError('INDEX_DAMAGED', { file, reason });
}
