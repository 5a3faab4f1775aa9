import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'libsql';
import { NerRetrieverError } from '../errors.js';
import { matchExpression } from '../lexical/match-expression.js';
import { textTokenizer } from '../lexical/text-tokenizer.js';
import {
  columnTypes,
  type DocumentColumns,
  documentColumns,
  type PlacedDocument,
  packDocument,
  type StoredDocument,
  unpackDocument,
  utf8,
} from './stored-document.js';

export const catalogFile = 'catalog.sqlite';

/** Vectors that one commit appended: rows `firstRow` to `firstRow + rows` of the index. */
export interface Block {
  readonly block: number;
  readonly segment: number;
  /** Where in the segment the block begins, in rows. */
  readonly segmentRow: number;
  readonly firstRow: number;
  readonly rows: number;
  /** CRC32C of the block's bytes in the two files of its segment. */
  readonly vectorsChecksum: number;
  readonly documentsChecksum: number;
}

/** What documents must be like: an expression over the columns of `documents`, never NULL, and its parameters ?1, ?2 …. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly string[];
}

export interface Totals {
  /** Documents and mentions that are alive. */
  readonly documents: number;
  readonly mentions: number;
  /** Rows ever written, dead ones included: also the next row. */
  readonly rows: number;
}

/**
 * The SQLite file of an index: documents with their mentions, and how much of the segments counts. All methods are synchronous.
 */
export class Catalog {
  readonly #database: Database.Database;
  readonly #file: string;
  readonly #statements = new Map<string, Database.Statement>();

  private constructor(file: string, name = file) {
    this.#file = file;
    this.#database = new Database(name, { timeout: busyTimeoutMs });
  }

  /** Makes the file if there is none, or finishes one whose making was cut short. */
  static create(directory: string): Catalog {
    const catalog = new Catalog(resolve(directory, catalogFile));
    catalog.#database.exec('PRAGMA journal_mode = WAL');
    catalog.#database.exec('PRAGMA synchronous = FULL');
    catalog.#database.exec(schema);
    return catalog;
  }

  static openForWriting(directory: string): Catalog {
    const catalog = Catalog.#open(catalogPath(directory));
    try {
      catalog.#database.exec('PRAGMA synchronous = FULL');
      // The driver's SQLite keeps temporary tables in memory unless told otherwise.
      catalog.#database.exec('PRAGMA temp_store = FILE');
      catalog.#addWords();
      return catalog;
    } catch (error) {
      catalog.close();
      throw error;
    }
  }

  static openForReading(directory: string): Catalog {
    const file = catalogPath(directory);
    try {
      const catalog = Catalog.#open(file);
      catalog.#database.exec('PRAGMA query_only = ON');
      return catalog;
    } catch (error) {
      if (!isNotWritable(error) || hasLog(file)) throw error;
      // Readers leave marks for writers beside the file. Where nothing can be written there is no writer either: read it as it is.
      return Catalog.#open(file, `${pathToFileURL(file).href}?immutable=1`);
    }
  }

  /** @param name the file, as a URL with parameters for SQLite */
  static #open(file: string, name?: string): Catalog {
    const catalog = new Catalog(file, name);
    try {
      const version = catalog.#row('PRAGMA user_version')?.[0];
      if (version === catalogVersion) return catalog;
      return catalog.#damaged(`its version is ${version}, not ${catalogVersion}`);
    } catch (error) {
      catalog.close();
      throw error;
    }
  }

  /** Runs `work` as one transaction: all of it is durable when this returns, or none of it is there. */
  write(work: () => void): void {
    this.#transaction('BEGIN IMMEDIATE', work);
  }

  /** Runs `work` on one state of the catalog, whatever a writer does meanwhile. */
  read<T>(work: () => T): T {
    return this.#transaction('BEGIN', work);
  }

  /** Holds this connection on the state of now until `endSnapshot`. */
  holdSnapshot(): void {
    this.#database.exec('BEGIN');
    this.totals(); // a snapshot begins with the first read
  }

  endSnapshot(): void {
    this.#database.exec('ROLLBACK');
  }

  /** Changes when another connection has committed. */
  dataVersion(): number {
    return this.#row('PRAGMA data_version')?.[0] as number;
  }

  totals(): Totals {
    const row = this.#row(`SELECT ${integers('documents', 'mentions', 'rows')} FROM totals`);
    const [documents, mentions, rows] = (row ?? this.#damaged('its totals are gone')) as [number, number, number];
    return { documents, mentions, rows };
  }

  /** The highest ordinal ever given, 0 before the first. */
  lastOrdinal(): number {
    return (
      (this.#row(`SELECT ${integers('seq')} FROM sqlite_sequence WHERE name = 'documents'`)?.[0] as
        | number
        | undefined) ?? 0
    );
  }

  /** The last event of `deathsAfter`, 0 before the first. */
  lastDeath(): number {
    return this.#row(`SELECT ${integers('coalesce(max(death), 0)')} FROM deaths`)?.[0] as number;
  }

  /** False where an earlier version made the index and no writer has opened it since. */
  hasWords(): boolean {
    return this.#row("SELECT 1 FROM sqlite_master WHERE name = 'words'") !== undefined;
  }

  /**
   * Ordinals of the documents whose text holds any word of `query`, best first by BM25 (k1 = 1.2, b = 0.75); equal scores: the older
   * document first. All of them, so that a common word takes its time.
   */
  findWords(query: string): number[] {
    const expression = matchExpression(query);
    if (expression === null) return [];
    return this.#rows(
      `SELECT ${integers('rowid')} FROM words WHERE words MATCH ? ORDER BY bm25(words), rowid`,
      expression,
    ).map(([ordinal]) => ordinal as number);
  }

  /**
   * Looks up which documents of a range of ordinals meet a condition. The statement is the caller's to drop: conditions are as many
   * as users think of.
   */
  ordinalsWhere({ sql, values }: SqlCondition): (first: number, last: number) => number[] {
    const range = `ordinal BETWEEN ?${values.length + 1} AND ?${values.length + 2}`;
    const statement = this.#database.prepare(
      `SELECT json_group_array(ordinal) FROM documents WHERE ${range} AND ${sql}`, // one value: many rows cost the driver five times as much
    );
    statement.raw();
    return (first, last) => {
      const [ordinals] = statement.get([...values, first, last]) as [string];
      return JSON.parse(ordinals) as number[];
    };
  }

  /** Ordinal and content digest of the document with an id. */
  find(id: string): { ordinal: number; content: Buffer } | undefined {
    const row = this.#row(`SELECT ${integers('ordinal')}, CAST(content AS BLOB) FROM documents WHERE id = ?`, utf8(id));
    return row && { ordinal: row[0] as number, content: row[1] as Buffer };
  }

  document(ordinal: number): StoredDocument | undefined {
    const row = this.#row(`SELECT ${documentValues} FROM documents WHERE ordinal = ?`, ordinal);
    if (!row) return undefined;
    return unpackDocument(row as DocumentColumns) ?? this.#damaged(`the record of document ${ordinal} was changed`);
  }

  /** The blocks after the first `known` ones, in order. */
  blocksAfter(known: number): Block[] {
    return this.#rows(`SELECT ${blockValues} FROM blocks WHERE block > ? ORDER BY block`, known).map((row) => {
      // Sizes and places of reading depend on these.
      if (!row.every((value) => Number.isSafeInteger(value) && (value as number) >= 0)) {
        this.#damaged(`its record of block ${row[0]} makes no sense`);
      }
      const [block, segment, segmentRow, firstRow, rows, vectorsChecksum, documentsChecksum] = row as BlockColumns;
      return { block, segment, segmentRow, firstRow, rows, vectorsChecksum, documentsChecksum };
    });
  }

  /** Documents that were deleted or replaced after the first `known` such events: their rows are dead. */
  deathsAfter(known: number): { death: number; ordinal: number }[] {
    return this.#rows(`SELECT ${integers('death', 'document')} FROM deaths WHERE death > ? ORDER BY death`, known).map(
      (row) => ({
        death: row[0] as number,
        ordinal: row[1] as number,
      }),
    );
  }

  /** The last segment and the rows of it that count. */
  lastSegment(): { segment: number; rows: number } | undefined {
    const row = this.#row(`SELECT ${integers('segment', 'rows')} FROM segments ORDER BY segment DESC LIMIT 1`);
    return row && { segment: row[0] as number, rows: row[1] as number };
  }

  segments(): { segment: number; rows: number }[] {
    return this.#rows(`SELECT ${integers('segment', 'rows')} FROM segments ORDER BY segment`).map((row) => ({
      segment: row[0] as number,
      rows: row[1] as number,
    }));
  }

  addDocument(document: PlacedDocument): void {
    const places = documentColumns.map(() => '?');
    this.#run(`INSERT INTO documents (${documentColumns}) VALUES (${places})`, ...packDocument(document));
  }

  /** Takes a document out and says how many rows it had; its vectors stay in their segment and count no more. */
  removeDocument(ordinal: number): number {
    const [firstRow, rows] = this.#row(
      `SELECT ${integers('first_row', 'rows')} FROM documents WHERE ordinal = ?`,
      ordinal,
    ) as number[];
    this.#run('DELETE FROM documents WHERE ordinal = ?', ordinal);
    this.#run(
      'INSERT INTO deaths (document, first_row, rows) VALUES (?, ?, ?)',
      ordinal,
      firstRow as number,
      rows as number,
    );
    return rows as number;
  }

  /** Counts living documents and mentions up or down. */
  count(documents: number, mentions: number): void {
    this.#run('UPDATE totals SET documents = documents + ?, mentions = mentions + ?', documents, mentions);
  }

  addBlock(block: Omit<Block, 'block'>): void {
    this.#run(
      'INSERT INTO blocks (segment, segment_row, first_row, rows, vectors_crc32c, documents_crc32c) VALUES (?, ?, ?, ?, ?, ?)',
      block.segment,
      block.segmentRow,
      block.firstRow,
      block.rows,
      block.vectorsChecksum,
      block.documentsChecksum,
    );
    this.#run(
      'INSERT INTO segments (segment, rows) VALUES (?, ?) ON CONFLICT (segment) DO UPDATE SET rows = excluded.rows',
      block.segment,
      block.segmentRow + block.rows,
    );
    this.#run('UPDATE totals SET rows = ?', block.firstRow + block.rows);
  }

  /**
   * Notes an id of this run with its place; returns the place where the same id came first, if it did.
   * The table is a temporary one on disk, so that memory does not grow with the number of documents.
   */
  noteId(id: string, file: string, line: number): { file: string; line: number } | undefined {
    const { changes } = this.#run('INSERT INTO temp.seen VALUES (?, ?, ?) ON CONFLICT DO NOTHING', id, file, line);
    if (changes > 0) return undefined;
    const [firstFile, firstLine] = this.#row('SELECT file, line FROM temp.seen WHERE id = ?', id) as [string, number];
    return { file: firstFile, line: firstLine };
  }

  /** Begins the noting of a run's ids, and forgets those of the run before. */
  startNotingIds(): void {
    this.forgetIds();
    this.#database.exec(
      'CREATE TEMP TABLE seen (id TEXT PRIMARY KEY, file TEXT NOT NULL, line INTEGER NOT NULL) WITHOUT ROWID',
    );
  }

  forgetIds(): void {
    this.#database.exec('DROP TABLE IF EXISTS temp.seen');
  }

  /** Moves the write-ahead log into the file, as far as readers allow; waits for none of them. */
  checkpoint(): void {
    this.#database.exec('PRAGMA busy_timeout = 0');
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  }

  /** The driver lets go of the file when the connection's statements are collected as garbage: keep connections rather than make many. */
  close(): void {
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    this.#statements.clear();
    this.#database.close();
  }

  /** Gives an index of an earlier version what full text needs, from the texts that it holds. */
  #addWords(): void {
    if (this.hasWords()) return;
    this.write(() => this.#database.exec(`${wordsSchema} INSERT INTO words (words) VALUES ('rebuild');`));
  }

  #damaged(reason: string): never {
    throw new NerRetrieverError('INDEX_DAMAGED', { file: this.#file, reason });
  }

  #transaction<T>(begin: string, work: () => T): T {
    this.#database.exec(begin);
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk may have rolled back by itself.
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  // Values go as one array: a single blob alone would be taken for an object of named values.
  #run(sql: string, ...values: Value[]): Database.RunResult {
    return this.#prepare(sql).run(values);
  }

  #row(sql: string, ...values: Value[]): unknown[] | undefined {
    return this.#prepare(sql).get(values) as unknown[] | undefined;
  }

  #rows(sql: string, ...values: Value[]): unknown[][] {
    return [...(this.#prepare(sql).iterate(values) as IterableIterator<unknown[]>)];
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      // Rows as arrays; a statement that returns none refuses.
      if (statement.reader) statement.raw();
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Says of every value that is read what it is: the driver ends the process on a damaged one that claims to be text. */
function integers(...columns: string[]): string {
  return columns.map((column) => `CAST(${column} AS INTEGER)`).join(', ');
}

const documentValues = documentColumns.map((column) => `CAST(${column} AS ${columnTypes[column]})`).join(', ');

const blockValues = integers(
  'block',
  'segment',
  'segment_row',
  'first_row',
  'rows',
  'vectors_crc32c',
  'documents_crc32c',
);

type BlockColumns = [number, number, number, number, number, number, number];

type Value = string | number | null | Uint8Array;

const busyTimeoutMs = 10_000;

const catalogVersion = 1;

/**
 * Full text of the documents, which stay where they are (content='documents'). The file itself keeps it up to date: versions of this
 * software that know nothing of it, and write to an index all the same, run the triggers too.
 */
const wordsSchema = `
CREATE VIRTUAL TABLE IF NOT EXISTS words
  USING fts5(text, content='documents', content_rowid='ordinal', tokenize='${textTokenizer}');
CREATE TRIGGER IF NOT EXISTS document_added AFTER INSERT ON documents BEGIN
  INSERT INTO words (rowid, text) VALUES (new.ordinal, CAST(new.text AS TEXT));
END;
CREATE TRIGGER IF NOT EXISTS document_removed AFTER DELETE ON documents BEGIN
  INSERT INTO words (words, rowid, text) VALUES ('delete', old.ordinal, CAST(old.text AS TEXT));
END;
`;

/** All of it in one transaction: a catalog is there whole or not at all. */
const schema = `
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS documents (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE, -- UTF-8, as all texts: this driver's own strings end at a NUL
  content BLOB NOT NULL,
  first_row INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  mentions BLOB, -- as given: JSON [[start, end], …]; NULL: none were given
  metadata BLOB, -- JSON
  evidence BLOB NOT NULL, -- where the mention of each row stands: 12 bytes a row, see stored-document.ts
  text BLOB NOT NULL, -- UTF-8
  checksum INTEGER NOT NULL -- CRC32C of the other columns
);
CREATE TABLE IF NOT EXISTS segments (
  segment INTEGER PRIMARY KEY,
  rows INTEGER NOT NULL -- what lies beyond them in the files does not count
);
CREATE TABLE IF NOT EXISTS blocks (
  block INTEGER PRIMARY KEY,
  segment INTEGER NOT NULL,
  segment_row INTEGER NOT NULL,
  first_row INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  vectors_crc32c INTEGER NOT NULL,
  documents_crc32c INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS deaths (
  death INTEGER PRIMARY KEY,
  document INTEGER NOT NULL,
  first_row INTEGER NOT NULL,
  rows INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS totals (documents INTEGER NOT NULL, mentions INTEGER NOT NULL, rows INTEGER NOT NULL);
INSERT INTO totals SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT * FROM totals);
${wordsSchema}
PRAGMA user_version = ${catalogVersion};
COMMIT;
`;

/** @throws NerRetrieverError INDEX_DAMAGED where there is no catalog: the driver would make an empty one */
function catalogPath(directory: string): string {
  const file = resolve(directory, catalogFile);
  if (!existsSync(file)) throw new NerRetrieverError('INDEX_DAMAGED', { file, reason: 'it is missing' });
  return file;
}

function isNotWritable(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY'));
}

/** True where commits wait in the write-ahead log, which cannot be left out. */
function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}
