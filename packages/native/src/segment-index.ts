import { availableParallelism } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { addon, type SegmentIndexHandle } from './addon.js';
import { type CudaDevice, handleOf } from './cuda-device.js';
import type { Precision } from './precision.js';

export interface SegmentIndexOptions {
  /** Columns of every row and query. */
  readonly dimensions: number;
  readonly precision: Precision;
  /** How many threads one call may use. Default: one a core. */
  readonly threads?: number;
  /**
   * Where it is searched: the rows are copied to the GPU as they are mapped, all of them or none (see {@link SegmentIndex.deviceFault}).
   * The answers of `int8` are the same bits; scores of `float32` and `bfloat16` may differ in their last. A search that needs more of the
   * GPU's memory than there is, and the ranking and the scores of `int8`, are the CPU's. Default: the CPU.
   */
  readonly device?: CudaDevice;
}

/** Rows that were appended to a segment at one time, as `packRows` made them. */
export interface SegmentBlock {
  readonly rows: number;
  /** CRC-32C of the block's bytes in each column, in the order of `segmentColumns`. */
  readonly checksums: readonly number[];
  /** `int8`: as `packRows` gave it. */
  readonly longest: number;
}

/** What may be found. */
export interface SegmentSelection {
  /**
   * A bitmap: document `o` may be found where bit `o % 8` of byte `o >> 3` is set; those beyond the last byte may not.
   * Default: all may. Not to be changed or transferred before the promise settles.
   */
  readonly documents?: Uint8Array;
}

export interface SegmentSearchResult {
  /** Places of a query: what was asked, or the number of documents where that is less. */
  readonly limit: number;
  /** `[queries, limit]`: each document's highest inner product, best first. */
  readonly scores: Float32Array;
  /** `[queries, limit]`: the rows that have them. */
  readonly rows: Uint32Array;
  /** `[queries]`: how many places of each query are filled; the others are 0. */
  readonly counts: Uint32Array;
}

/** Its arrays lie in the addon's memory: they can be cloned to another thread, not transferred. */
export interface SegmentRanking {
  /** `[documents]`: each one's highest inner product, best first. */
  readonly scores: Float32Array;
  /** `[documents]`: the rows that have them. */
  readonly rows: Uint32Array;
}

export interface LocatedRows {
  /** `[n]`: the ordinal of each row's document. */
  readonly documents: Uint32Array;
  /** `[n]`: that document's first row. */
  readonly firstRows: Uint32Array;
  /** `[n]`: how many rows that document has. */
  readonly counts: Uint32Array;
}

const optionNames = new Set(['dimensions', 'precision', 'threads', 'device']);

/**
 * Rows in files that are searched by inner product, every row at every search. The files are segments of columns
 * (`segmentColumns`), mapped into memory and only read; another process may append to them meanwhile. Rows are numbered
 * from 0 over all segments.
 *
 * Errors carry a `code`: the system's (`ENOENT`, `EACCES`, `EMFILE` …) with `path`; `SEGMENT_DAMAGED` with `file` and
 * `reason` where a file is not what was written; `DEVICE_FAILED` where a GPU fails; `CLOSED` after {@link close}.
 */
export class SegmentIndex {
  readonly #handle: SegmentIndexHandle;
  readonly #underWay = new Set<Promise<unknown>>();
  #lastMap: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** @throws TypeError for an unknown option or precision; RangeError for sizes that cannot be */
  constructor(options: SegmentIndexOptions) {
    for (const name of Object.keys(options)) {
      if (!optionNames.has(name)) {
        throw new TypeError(`expected options of SegmentIndex to be ${[...optionNames].join(', ')}, got '${name}'`);
      }
    }
    this.#handle = addon.segmentIndexCreate(
      options.dimensions,
      options.precision,
      options.threads ?? availableParallelism(),
      options.device === undefined ? null : handleOf(options.device),
    );
  }

  /** Why the rows are not on the device that was given, and are searched on the CPU; null where they are, or none was given. */
  get deviceFault(): string | null {
    return addon.segmentIndexDeviceFault(this.#handle);
  }

  /** Rows of all finished calls of {@link map}. */
  get rows(): number {
    this.#refuseIfClosed();
    return addon.segmentIndexRows(this.#handle);
  }

  /** Bytes of the files that are mapped. They are the system's to keep in memory or not. */
  get bytes(): number {
    this.#refuseIfClosed();
    return addon.segmentIndexBytes(this.#handle);
  }

  /**
   * Maps `blocks` more of the segment whose column files are `files`, off the event loop: the last segment grows if they
   * are its files, else a new one follows. The blocks' bytes are read and checked, all but those of `vectors` of `int8`:
   * their rows are checked whenever they are read. Calls are carried out one after the other; a search sees a finished
   * one whole and nothing of one under way. On failure nothing was added.
   *
   * @param files paths, in the order of `segmentColumns`
   * @throws an Error with the system's code and `path`; with 'SEGMENT_DAMAGED', `file` and `reason` for a file that is
   *   too short, bytes that are not those of the checksum, a row longer than `longest`, documents that do not rise (a
   *   document's rows lie together in one segment), numbers that no row has; RangeError and TypeError for wrong arguments
   */
  async map(files: readonly string[], blocks: readonly SegmentBlock[]): Promise<void> {
    this.#refuseIfClosed();
    const mapped = this.#lastMap.then(() => addon.segmentIndexMap(this.#handle, files, blocks));
    this.#lastMap = mapped.catch(() => {});
    return this.#finish(mapped);
  }

  /**
   * The documents that score highest for each query, off the event loop. A document's score is the highest of its rows';
   * of its equal rows, and of equal documents, the lower row is the better. NaN scores come last.
   *
   * @param queries `[n, dimensions]`; not to be changed or transferred before the promise settles
   * @param limit documents a query, at least 1
   * @param selection what may be found; rows before `firstRow` may not
   * @throws RangeError if sizes are wrong; TypeError if an array is of another type or not over ordinary memory;
   *   'SEGMENT_DAMAGED' if a file became shorter or a row that is read is not what was written
   */
  async search(
    queries: Float32Array,
    limit: number,
    selection: SegmentSelection & { readonly firstRow?: number } = {},
  ): Promise<SegmentSearchResult> {
    this.#refuseIfClosed();
    const { documents = null, firstRow = 0 } = selection;
    return this.#finish(addon.segmentIndexSearch(this.#handle, queries, limit, documents, firstRow));
  }

  /**
   * The whole ranking of one query, in the order of {@link search}, off the event loop: every document that may be found
   * and scores at least `minScore` (default: all, NaN last). It takes at most 16 bytes a document while it is made, and 8
   * in the result.
   *
   * @param query `[dimensions]`; not to be changed or transferred before the promise settles
   * @throws as {@link search}
   */
  async rank(
    query: Float32Array,
    selection: SegmentSelection & { readonly minScore?: number } = {},
  ): Promise<SegmentRanking> {
    this.#refuseIfClosed();
    const { documents = null, minScore = null } = selection;
    return this.#finish(addon.segmentIndexRank(this.#handle, query, documents, minScore));
  }

  /**
   * Where rows stand. On the event loop; only the column `documents` is read.
   *
   * @param rows `[n]`
   * @throws RangeError for a row that is not there; TypeError for another array; 'SEGMENT_DAMAGED' if a file became shorter
   */
  locate(rows: Uint32Array): LocatedRows {
    this.#refuseIfClosed();
    try {
      return addon.segmentIndexLocate(this.#handle, rows);
    } catch (cause) {
      throw withSystemCode(cause);
    }
  }

  /**
   * `[queries, rows]`: the score of each row for each query, the same bits that {@link search} gives it; off the event
   * loop.
   *
   * @param queries `[n, dimensions]`; not to be changed or transferred before the promise settles
   * @param rows `[m]`; the same holds
   * @throws as {@link search}; RangeError for a row that is not there
   */
  async scores(queries: Float32Array, rows: Uint32Array): Promise<Float32Array> {
    this.#refuseIfClosed();
    return this.#finish(addon.segmentIndexScores(this.#handle, queries, rows));
  }

  /**
   * `[count, dimensions]`: a copy of the rows from `firstRow` on, off the event loop; `bfloat16` is widened, and of
   * `int8` they are the rows that were packed.
   *
   * @throws RangeError for rows that are not there; 'SEGMENT_DAMAGED' as {@link search}
   */
  async vectors(firstRow: number, count: number): Promise<Float32Array> {
    this.#refuseIfClosed();
    return this.#finish(addon.segmentIndexVectors(this.#handle, firstRow, count));
  }

  /** Unmaps the files, when the calls under way are done. Later calls are refused with the code 'CLOSED'. */
  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#underWay).then(() => addon.segmentIndexClose(this.#handle));
    return this.#closed;
  }

  #refuseIfClosed(): void {
    if (this.#closed !== undefined) throw Object.assign(new Error('the index was closed'), { code: 'CLOSED' });
  }

  async #finish<Result>(call: Promise<Result>): Promise<Result> {
    this.#underWay.add(call);
    try {
      return await call;
    } catch (cause) {
      throw withSystemCode(cause);
    } finally {
      this.#underWay.delete(call);
    }
  }
}

/** The name of the system's error beside its number, as Node's own errors have it. */
function withSystemCode(cause: unknown): unknown {
  const { errno } = cause as { errno?: number };
  return errno === undefined ? cause : Object.assign(cause as Error, { code: getSystemErrorName(errno) });
}
