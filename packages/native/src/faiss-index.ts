import { availableParallelism } from 'node:os';
import { addon, type FaissHandle } from './addon.js';

export interface FaissIndexOptions {
  /** FAISS's own description of an index: `HNSW32`, `IVF4096,SQ8`, `IVF4096,PQ64x4fs,RFlat`, `Flat`, … */
  factory: string;
  /** Columns of every row and query. */
  dimensions: number;
  /** How many threads one call may use. Default: one a core. */
  threads?: number;
}

/** How a search trades time for recall. What is left out is as the index itself says; what the index does not have is refused. */
export interface FaissSearchParameters {
  /** IVF: how many of the inverted lists are visited. FAISS's default: 1. */
  nprobe?: number;
  /** HNSW: how many candidates are kept while the graph is walked. FAISS's default: 16. */
  efSearch?: number;
  /** `RFlat` and `Refine(…)`: how many candidates are scored again, in multiples of the limit (FAISS's `k_factor_rf`). Its default: 1. */
  refineFactor?: number;
}

export interface FaissSearchResult {
  /** Places a query: what was asked, or the size of the index where that is less. */
  limit: number;
  /** `[queries, limit]`: inner products, best first. */
  scores: Float32Array;
  /** `[queries, limit]`: the numbers of the rows that have them, counted from 0 in the order of adding. */
  rows: Uint32Array;
  /** `[queries]`: how many places were filled. An approximate index may find fewer than there are; the places behind hold nothing. */
  counts: Uint32Array;
}

export interface FaissDeviceOptions {
  /** Numbers of the GPUs; the rows are shared out among several. Default: the first one, 0. */
  devices?: readonly number[];
  /** Bytes of each GPU for what FAISS works with, at most 1.5 GiB. Default: 512 MiB. */
  temporaryMemory?: number;
  /** Keeps the rows of `Flat`, and PQ's tables, in half the memory. Default: false. */
  float16?: boolean;
}

/** The GPUs that FAISS may use: how many, and where it may use none for being built without, why. */
export interface FaissDevices {
  count: number;
  reason: string | null;
}

const deviceOptionNames = ['devices', 'temporaryMemory', 'float16'];
const optionNames = ['factory', 'dimensions', 'threads'];
const parameterNames = ['nprobe', 'efSearch', 'refineFactor'];

function checkNames(what: string, names: readonly string[], given: object): void {
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw new TypeError(`expected ${what} to be ${names.join(', ')}, got '${name}'`);
  }
}

/** Wrong arguments are a RangeError or TypeError; anything else that goes wrong inside is marked as FAISS's. */
async function faissFailed<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw error;
    throw Object.assign(error as Error, { code: 'FAISS_FAILED' });
  }
}

/**
 * An approximate index of FAISS over rows 0, 1, 2 … by inner product, in memory. It looks at a part of the rows and may miss some: where every
 * answer counts, use an exact search. Work is done off the event loop. Calls of {@link train} and {@link add} are carried out alone, in the
 * order in which they were made; searches run beside each other, after the changes that were asked for before them. Arrays that a call works
 * on must not be changed or transferred before its promise settles.
 */
export class FaissIndex {
  readonly #handle: FaissHandle;
  /** Settles when the last change that was asked for has ended. */
  #lastChange: Promise<unknown> = Promise.resolve();
  /** Searches and writes under way, none of which rejects. */
  readonly #readings = new Set<Promise<unknown>>();

  private constructor(handle: FaissHandle) {
    this.#handle = handle;
  }

  /**
   * An empty index.
   *
   * @throws TypeError for an unknown option; RangeError for a factory string or sizes that cannot be; an Error with `code`
   *   'BACKEND_UNAVAILABLE' where FAISS cannot be loaded, saying why
   */
  static create(options: FaissIndexOptions): FaissIndex {
    checkNames('options of FaissIndex', optionNames, options);
    const { factory, dimensions, threads = availableParallelism() } = options;
    return new FaissIndex(addon.faissCreate(factory, dimensions, threads));
  }

  /**
   * The index in a standard FAISS file, written by {@link write} or any other FAISS: one of those that {@link create} makes, by inner product.
   * Its structure is checked. Vectors, codes and centroids are numbers like any others: damage within them is for a checksum of the file to find.
   *
   * @throws an Error with `code` 'FAISS_FAILED' for a file that cannot be read or used, 'BACKEND_UNAVAILABLE' where FAISS cannot be loaded
   */
  static async read(file: string, options: { threads?: number } = {}): Promise<FaissIndex> {
    checkNames('options of FaissIndex.read', ['threads'], options);
    const reading = addon.faissRead(file, options.threads ?? availableParallelism());
    return new FaissIndex(await faissFailed(reading));
  }

  /** Asks FAISS for the GPUs that it may use. The first call starts CUDA, where it is: a fraction of a second. */
  static devices(): FaissDevices {
    return addon.faissDevices();
  }

  get dimensions(): number {
    return addon.faissInfo(this.#handle).dimensions;
  }

  /** Rows of all finished calls of {@link add}. */
  get size(): number {
    return addon.faissInfo(this.#handle).size;
  }

  /** Whether rows can be added: `Flat` and `HNSW32` need no training, others do. */
  get isTrained(): boolean {
    return addon.faissInfo(this.#handle).isTrained;
  }

  /**
   * Learns centroids and codes from a sample of the rows that will be added: at least one a list of an IVF index, better 40 or more.
   *
   * @param sample `[n, dimensions]`
   * @throws RangeError for a sample that is no whole number of rows, or where there are rows already; an Error with `code` 'FAISS_FAILED' for
   *   one that FAISS cannot learn from, such as one of fewer rows than lists
   */
  train(sample: Float32Array): Promise<void> {
    return this.#change(() => addon.faissTrain(this.#handle, sample));
  }

  /**
   * Copies rows into the index.
   *
   * @param rows `[n, dimensions]`
   * @throws RangeError if it is no whole number of rows, the index has not been trained, or a graph (HNSW) is given NaN or infinity
   */
  add(rows: Float32Array): Promise<void> {
    return this.#change(() => addon.faissAdd(this.#handle, rows));
  }

  /**
   * Rows with high inner products for each query. Equal scores go by lower row; NaN scores are left out.
   *
   * @param queries `[n, dimensions]`
   * @param limit results a query, at least 1; more than {@link size} asks for all
   * @throws RangeError if sizes are wrong, or for a parameter that this kind of index does not have
   */
  search(queries: Float32Array, limit: number, parameters: FaissSearchParameters = {}): Promise<FaissSearchResult> {
    return this.#read(() => {
      checkNames('parameters of a search', parameterNames, parameters);
      const { nprobe, efSearch, refineFactor } = parameters;
      return addon.faissSearch(this.#handle, queries, limit, nprobe, efSearch, refineFactor);
    });
  }

  /** Writes a standard FAISS file, which any FAISS opens. It is neither written aside first nor synced: that is for the caller to do. */
  write(file: string): Promise<void> {
    return this.#read(() => addon.faissWrite(this.#handle, file));
  }

  /**
   * A copy on GPUs, with the rows that the index has when all changes asked for before have ended. Searches, and on one GPU `train` and `add`,
   * go there as here; searches of one copy take turns. A refinement (`RFlat`) is copied too and stays in the host's memory. `HNSW…` becomes
   * CAGRA, another graph over the same rows, where FAISS was built with cuVS. Kinds, limits and how to have such a FAISS: docs/faiss-gpu.md.
   *
   * @throws TypeError for an unknown option; RangeError for an index that FAISS has not on a GPU, or GPUs that are not there; an Error with
   *   `code` 'FAISS_FAILED' where this FAISS knows no GPU, or too little memory of one is free: nothing was copied then, and the words say both
   */
  toDevice(options: FaissDeviceOptions = {}): Promise<FaissIndex> {
    return this.#read(async () => {
      checkNames('options of FaissIndex.toDevice', deviceOptionNames, options);
      const { devices = [0], temporaryMemory = 0, float16 = false } = options;
      if (!devices.every((device) => Number.isInteger(device) && device >= 0)) {
        throw new RangeError(`expected devices to be whole numbers from 0, got ${devices.join(', ')}`);
      }
      const numbers = Int32Array.from(devices);
      return new FaissIndex(await addon.faissToDevice(this.#handle, numbers, temporaryMemory, float16));
    });
  }

  /** A copy in the host's memory of an index on GPUs. ({@link write} makes its own.) */
  toHost(): Promise<FaissIndex> {
    return this.#read(async () => new FaissIndex(await addon.faissToHost(this.#handle)));
  }

  #change(call: () => Promise<void>): Promise<void> {
    const before = [this.#lastChange, ...this.#readings];
    const change = faissFailed(Promise.all(before).then(call));
    this.#lastChange = change.catch(() => {});
    return change;
  }

  #read<Result>(call: () => Promise<Result>): Promise<Result> {
    const reading = faissFailed(this.#lastChange.then(call));
    const settled = reading.then(
      () => {},
      () => {},
    );
    this.#readings.add(settled);
    settled.then(() => this.#readings.delete(settled));
    return reading;
  }
}
