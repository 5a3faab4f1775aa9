import { type CountedColumns, readRows } from './counted-columns.js';
import type { IndexProblems } from './index-problems.js';

/** Rows of a segment that follow each other and are of the same document. */
interface Run {
  readonly file: string;
  readonly document: number;
  readonly first: number;
  end: number;
}

/**
 * Whose the rows of the segments are, held against the documents that the catalog has: a document that is stored has its rows, together; all
 * others are of documents that were deleted. Both go by rising ordinals, so that one walk over both is enough.
 */
export class RowOwners {
  readonly #runs: AsyncGenerator<Run>;
  /** Deleted documents whose rows have not come yet. */
  readonly #dead: Set<number>;
  readonly #problems: IndexProblems;
  readonly #catalogFile: string;
  /** The next rows that nobody has claimed. */
  #next: Run | undefined;
  #last = -1;

  static async open(
    segments: readonly CountedColumns[],
    dead: readonly number[],
    problems: IndexProblems,
    catalogFile: string,
  ): Promise<RowOwners> {
    const owners = new RowOwners(runsOf(segments), new Set(dead), problems, catalogFile);
    await owners.#advance();
    return owners;
  }

  private constructor(runs: AsyncGenerator<Run>, dead: Set<number>, problems: IndexProblems, catalogFile: string) {
    this.#runs = runs;
    this.#dead = dead;
    this.#problems = problems;
    this.#catalogFile = catalogFile;
  }

  /** The next stored document. */
  async claim(document: number, rows: number): Promise<void> {
    await this.#buryBefore(document);
    const own = this.#next?.document === document ? this.#next : undefined;
    const found = own ? own.end - own.first : 0;
    if (found !== rows) {
      this.#problems.add(this.#catalogFile, `document ${document} has ${rows} mentions and ${found} rows`);
    }
    if (own) await this.#advance();
  }

  /** No more documents are stored. */
  async end(): Promise<void> {
    await this.#buryBefore(Number.POSITIVE_INFINITY);
    for (const document of this.#dead) {
      this.#problems.add(this.#catalogFile, `document ${document} is recorded as deleted, and no rows are its own`);
    }
  }

  /** Rows that no stored document claims must be of deleted ones. */
  async #buryBefore(document: number): Promise<void> {
    while (this.#next && this.#next.document < document) {
      const { file, first, end, document: owner } = this.#next;
      if (!this.#dead.delete(owner)) {
        const rows = `rows ${first} to ${end - 1} of this segment`;
        this.#problems.add(file, `${rows} are of document ${owner}, which is neither stored nor recorded as deleted`);
      }
      await this.#advance();
    }
  }

  async #advance(): Promise<void> {
    for (;;) {
      const { value } = await this.#runs.next();
      this.#next = value as Run | undefined;
      if (!this.#next || this.#next.document > this.#last) break;
      const { file, first, document } = this.#next;
      this.#problems.add(
        file,
        `row ${first} of this segment is of document ${document}, and comes after ${this.#last}`,
      );
    }
    this.#last = this.#next?.document ?? this.#last;
  }
}

async function* runsOf(segments: readonly CountedColumns[]): AsyncGenerator<Run> {
  for (const { columns, rows } of segments) {
    const documents = columns.find(({ name }) => name === 'documents');
    if (!documents) continue;
    let run: Run | undefined;
    for await (const { row, bytes } of readRows(documents, 0, rows)) {
      for (let at = 0; at < bytes.length; at += 4) {
        const document = bytes.readUInt32LE(at);
        if (run?.document === document) {
          run.end += 1;
          continue;
        }
        if (run) yield run;
        const first = row + at / 4;
        run = { file: documents.file, document, first, end: first + 1 };
      }
    }
    if (run) yield run;
  }
}
