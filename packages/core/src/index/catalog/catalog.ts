import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'libsql';
import { NerRetrieverError } from '../../errors.js';
import { matchExpression } from '../../lexical/match-expression.js';
import { textTokenizer } from '../../lexical/text-tokenizer.js';
import type { AppendedRows, CountedSegment } from '../segments/segment-writer.js';
import { catalogSchema, catalogVersion } from './catalog-schema.js';
import { numbersChecksum } from './numbers-checksum.js';
import { type Block, type BlockColumns, packBlock, unpackBlock } from './stored-block.js';
import {
  columnTypes,
  type DocumentColumns,
  documentColumns,
  metadataChecksum,
  type PlacedDocument,
  packDocument,
  type StoredDocument,
  unpackDocument,
  utf8,
} from './stored-document.js';
import { emptyTotals, packTotals, type Totals, unpackTotals } from './totals.js';

export const catalogFile = 'catalog.sqlite';

/** What documents must be like: an expression over the columns of `documents`, never NULL, and its parameters ?1, ?2 …. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly string[];
}

/**
 * The SQLite file of an index: documents with their mentions, and how much of the segments counts. All methods are synchronous.
 */
export class Catalog {
  readonly #database: Database.Database;
  readonly #file: string;
  readonly #statements = new Map<string, Database.Statement>();
  #areIdsCounted = false;
  /** Of the transaction under way, which writes them last. */
  #counted: Totals = emptyTotals;

  private constructor(file: string, name = file) {
    this.#file = file;
    this.#database = new Database(name, { timeout: busyTimeoutMs });
    // Damage to a page is rather an error than a record that is not found.
    this.#database.exec('PRAGMA cell_size_check = ON');
  }

  /** Makes the file if there is none, or finishes one whose making was cut short. */
  static create(directory: string): Catalog {
    const catalog = new Catalog(resolve(directory, catalogFile));
    catalog.#database.exec('PRAGMA journal_mode = WAL');
    catalog.#database.exec('PRAGMA synchronous = FULL');
    catalog.#database.exec(catalogSchema);
    if (!catalog.#row('SELECT 1 FROM totals')) {
      catalog.#run(`INSERT INTO totals VALUES (${places(packTotals(emptyTotals))})`, ...packTotals(emptyTotals));
    }
    // No other catalog has it: SQLite keeps it in the first page.
    if (catalog.mark === 0) catalog.#database.exec(`PRAGMA application_id = ${randomInt(1, 2 ** 31)}`);
    return catalog;
  }

  static openForWriting(directory: string): Catalog {
    const catalog = Catalog.#open(catalogPath(directory));
    try {
      catalog.#database.exec('PRAGMA synchronous = FULL');
      // The driver's SQLite keeps temporary tables in memory unless told otherwise.
      catalog.#database.exec('PRAGMA temp_store = FILE');
      return catalog;
    } catch (error) {
      catalog.close();
      throw error;
    }
  }

  /** For `wordsAgree`: with temporary tables on disk, as large as the full text. */
  static openForChecking(directory: string): Catalog {
    const catalog = Catalog.openForReading(directory);
    catalog.#database.exec('PRAGMA temp_store = FILE');
    return catalog;
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

  /** A number by which the manifest knows its catalog from another one. */
  get mark(): number {
    return this.#row('PRAGMA application_id')?.[0] as number;
  }

  /** @throws NerRetrieverError INDEX_DAMAGED where this is the catalog of another index */
  checkMark(expected: number): void {
    if (this.mark !== expected) this.#damaged('it is not the catalog of this index');
  }

  /** Runs `work` as one transaction: all of it is durable when this returns, or none of it is there. */
  write(work: () => void): void {
    this.#transaction('BEGIN IMMEDIATE', () => {
      this.#counted = this.totals();
      work();
      const values = packTotals(this.#counted);
      this.#run('DELETE FROM totals');
      this.#run(`INSERT INTO totals VALUES (${places(values)})`, ...values);
    });
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
    // A damaged file may have ended it.
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
  }

  totals(): Totals {
    const columns = this.#row(
      `SELECT ${integers('documents', 'mentions', 'rows', 'ordinal', 'deaths', 'segment', 'generation', 'checksum')} FROM totals`,
    );
    return unpackTotals((columns ?? []) as number[]) ?? this.#damaged('its totals were changed');
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

  /**
   * Checks what filters read of the documents in a range of ordinals; how many there are. SQLite itself would pass over what it cannot find,
   * and take any metadata for true.
   */
  checkMetadata(first: number, last: number): number {
    const [json, joined] = this.#row(checkedMetadata, first, last) as [Buffer, Buffer | null];
    const documents = JSON.parse(json.toString('latin1')) as [
      ordinal: number,
      bytes: number | null,
      checksum: number,
    ][];
    let before = first - 1;
    let from = 0;
    for (const [ordinal, bytes, checksum] of documents) {
      const metadata = bytes === null ? null : (joined?.subarray(from, from + bytes) ?? null);
      if (ordinal <= before || metadataChecksum(ordinal, metadata) !== checksum)
        this.#damaged(`the metadata of document ${ordinal} was changed`);
      before = ordinal;
      from += bytes ?? 0;
    }
    return documents.length;
  }

  /** Holds the number of documents that were found against the one that is counted. */
  checkCount(found: number): void {
    const { documents } = this.totals();
    if (found !== documents) this.#damaged(`it counts ${documents} documents and has ${found}`);
  }

  /** Ordinal and content digest of the document with an id. */
  find(id: string): { ordinal: number; content: Buffer } | undefined {
    const row = this.#row(`SELECT ${integers('ordinal')}, CAST(content AS BLOB) FROM documents WHERE id = ?`, utf8(id));
    return row && { ordinal: row[0] as number, content: row[1] as Buffer };
  }

  /**
   * Checks that an id is not there, when `find` has not found it: the list of ids has no checksums. It must have as many different ids as
   * there are documents (looked at once, as it reads the whole list), and its ids before and after this one must be those of their documents.
   */
  checkAbsent(id: string): void {
    if (!this.#areIdsCounted) this.checkCount(this.#row(`SELECT count(DISTINCT id) FROM ${idList}`)?.[0] as number);
    this.#areIdsCounted = true;
    const before = `SELECT ordinal, id FROM ${idList} WHERE id < ?1 ORDER BY id DESC LIMIT 1`;
    const after = `SELECT ordinal, id FROM ${idList} WHERE id > ?1 ORDER BY id LIMIT 1`;
    for (const neighbour of [before, after]) {
      const [ordinal, bytes] =
        this.#row(`SELECT ${integers('ordinal')}, CAST(id AS BLOB) FROM (${neighbour})`, utf8(id)) ?? [];
      if (ordinal === undefined) continue;
      const listed = (bytes as Buffer).toString('utf8');
      if (this.document(ordinal as number)?.document.id !== listed) this.damagedIds(listed);
    }
  }

  damagedIds(id: string): never {
    this.#damaged(`its list of ids names another document as "${id}"`);
  }

  document(ordinal: number): StoredDocument | undefined {
    const row = this.#row(`SELECT ${documentValues} FROM documents WHERE ordinal = ?`, ordinal);
    if (!row) return undefined;
    return unpackDocument(row as DocumentColumns) ?? this.#damaged(`the record of document ${ordinal} was changed`);
  }

  /** All documents in the order of their ordinals, as they are stored and not checked yet. */
  *documentRecords(): Generator<DocumentColumns> {
    let last = Number.MIN_SAFE_INTEGER;
    for (;;) {
      const records = this.#rows(
        `SELECT ${documentValues} FROM documents WHERE ordinal > ? ORDER BY ordinal LIMIT ${recordsAtOnce}`,
        last,
      ) as DocumentColumns[];
      yield* records;
      if (records.length < recordsAtOnce) return;
      const [ordinal] = records.at(-1) as DocumentColumns;
      // In a damaged file they might go round in circles.
      if (ordinal <= last) this.#damaged('its documents are not in order');
      last = ordinal;
    }
  }

  /** All documents in the order of their ordinals. */
  *documents(): Generator<StoredDocument> {
    for (const columns of this.documentRecords()) {
      yield unpackDocument(columns) ?? this.#damaged(`the record of document ${columns[0]} was changed`);
    }
  }

  /** The blocks after block `known`, in the order of their rows. */
  blocksAfter(known: number): Block[] {
    return this.blockRecords(known).map(
      (columns) => unpackBlock(columns) ?? this.#damaged(`the record of block ${columns[0]} was changed`),
    );
  }

  /** The blocks after block `known`, as they are stored and not checked yet. */
  blockRecords(known: number): BlockColumns[] {
    return this.#rows(
      `SELECT ${integers('block', 'segment', 'rows')}, CAST(longest AS REAL), CAST(checksums AS BLOB), ${integers('checksum')}
       FROM blocks WHERE block > ? ORDER BY block`,
      known,
    ) as BlockColumns[];
  }

  /** Ordinals of the documents that were deleted or replaced after event `known` of this generation: their rows are dead. */
  deathsAfter(known: number): number[] {
    const rows = this.#rows(
      `SELECT ${integers('death', 'document', 'checksum')} FROM deaths WHERE death > ? ORDER BY death`,
      known,
    ) as [death: number, document: number, checksum: number][];
    const isWhole = ([death, document, checksum]: number[], index: number) =>
      death === known + index + 1 && checksum === numbersChecksum([death as number, document as number]);
    if (rows.length === this.totals().deaths - known && rows.every(isWhole))
      return rows.map(([, document]) => document);
    return this.#damaged('its records of deleted documents were changed');
  }

  /** The oldest document that died in this generation. */
  firstDeath(): number | undefined {
    return (this.#row(`SELECT ${integers('min(document)')} FROM deaths`)?.[0] as number | null) ?? undefined;
  }

  /** The segment that is appended to. */
  lastSegment(): CountedSegment {
    const { segment } = this.totals();
    const row = this.#row(`SELECT ${integers('coalesce(sum(rows), 0)')} FROM blocks WHERE segment = ?`, segment);
    return { segment, rows: row?.[0] as number };
  }

  /** The segments that hold rows, in order. */
  segments(): CountedSegment[] {
    return this.#rows(`SELECT ${integers('segment', 'sum(rows)')} FROM blocks GROUP BY segment ORDER BY segment`).map(
      ([segment, rows]) => ({ segment: segment as number, rows: rows as number }),
    );
  }

  /** Bytes that deleted records left free in the file. */
  freeBytes(): number {
    const [pages] = this.#row('PRAGMA freelist_count') as [number];
    const [pageBytes] = this.#row('PRAGMA page_size') as [number];
    return pages * pageBytes;
  }

  /** What SQLite finds wrong with the structure of the file. Reads all of it, on the thread of the caller. */
  structureFaults(): string[] {
    const answers = this.#rows(`SELECT CAST(integrity_check AS BLOB) FROM pragma_integrity_check(${maximumFaults})`);
    // An answer may have several lines, the first of which says no more than that it is about the main database.
    return answers
      .flatMap(([answer]) => (answer as Buffer).toString('utf8').split('\n'))
      .filter((fault) => fault !== 'ok' && !fault.startsWith('***'));
  }

  /**
   * True where the full text says of each document what its text says. FTS5 checks this with a statement that takes the right to write: a
   * temporary copy is checked, on disk, so that a writer is not held up and a snapshot can be looked at. Texts are read on the thread of
   * the caller.
   */
  wordsAgree(): boolean {
    this.#database.exec('PRAGMA query_only = OFF'); // it would forbid temporary tables too
    try {
      this.#database.exec(temporaryWords);
      this.#database.exec("INSERT INTO temp.checked (checked, rank) VALUES ('integrity-check', 1)");
      this.findWords('any word opens the table itself');
      // It has checked how many words there are, but not that each is found when it is looked for.
      const counts = this.#row('SELECT CAST(block AS BLOB) FROM temp.checked_data WHERE id = 1') as
        | [Buffer]
        | undefined;
      const counted = varints(counts?.[0] ?? Buffer.alloc(0));
      const [inOrder, sought] = [wordsInOrder, wordsSought].map((sql) => this.#row(sql) as number[]);
      return inOrder?.[0] === (counted[1] ?? 0) && inOrder.join() === sought?.join();
    } catch (error) {
      const code = String((error as { code?: unknown }).code);
      // Records that come twice cannot be copied.
      if (code === 'SQLITE_CORRUPT_VTAB' || code.startsWith('SQLITE_CONSTRAINT')) return false;
      throw error;
    } finally {
      this.#database.exec('PRAGMA query_only = ON');
    }
  }

  addDocument(document: PlacedDocument): void {
    const values = packDocument(document);
    this.#run(`INSERT INTO documents (${documentColumns}) VALUES (${places(values)})`, ...values);
    const { documents, mentions } = this.#counted;
    this.#count({
      documents: documents + 1,
      mentions: mentions + document.mentions.length,
      lastOrdinal: document.ordinal,
    });
  }

  /** Takes a document out; its vectors stay in their segment and count no more. */
  removeDocument(ordinal: number): void {
    const [rows] = this.#row(`SELECT ${integers('rows')} FROM documents WHERE ordinal = ?`, ordinal) as [number];
    this.#run('DELETE FROM documents WHERE ordinal = ?', ordinal);
    const { documents, mentions, deaths } = this.#counted;
    this.#count({ documents: documents - 1, mentions: mentions - rows });
    if (rows === 0) return;
    this.#run('INSERT INTO deaths VALUES (?, ?, ?)', deaths + 1, ordinal, numbersChecksum([deaths + 1, ordinal]));
    this.#count({ deaths: deaths + 1 });
  }

  /** Counts rows that were appended: they follow all others. */
  addBlock(appended: AppendedRows): void {
    const last = this.#row(`SELECT ${integers('coalesce(max(block), 0)')} FROM blocks`)?.[0] as number;
    const values = packBlock({ block: last + 1, ...appended });
    this.#run(`INSERT INTO blocks VALUES (${places(values)})`, ...values);
    this.#count({ rows: this.#counted.rows + appended.rows, segment: appended.segment });
  }

  /**
   * Puts other blocks in the place of those from block `first` on: a new generation, in which nothing is dead.
   *
   * @param segment the one that is appended to from now on
   */
  replaceBlocks(first: number, blocks: readonly AppendedRows[], segment: number): void {
    this.#run('DELETE FROM blocks WHERE block >= ?', first);
    const kept = this.#row(`SELECT ${integers('coalesce(sum(rows), 0)')} FROM blocks`)?.[0] as number;
    this.#run('DELETE FROM deaths');
    this.#count({ rows: kept, deaths: 0, segment, generation: this.#counted.generation + 1 });
    for (const block of blocks) this.addBlock(block);
  }

  /** Gives back the room that deleted records took. */
  shrink(): void {
    this.#database.exec("INSERT INTO words (words) VALUES ('optimize')");
    this.#database.exec('VACUUM');
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

  #count(changed: Partial<Totals>): void {
    this.#counted = { ...this.#counted, ...changed };
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

/** What SQLite finds ids by. */
const idList = 'documents INDEXED BY sqlite_autoindex_documents_1';

/** One record, as many would cost the driver more: documents as JSON, and their metadata one after the other. */
const checkedMetadata = `
SELECT
  CAST(json_group_array(json_array(CAST(ordinal AS INTEGER), length(CAST(metadata AS BLOB)), CAST(metadata_checksum AS INTEGER))) AS BLOB),
  CAST(group_concat(CAST(metadata AS TEXT), '') AS BLOB)
FROM (SELECT ordinal, metadata, metadata_checksum FROM documents WHERE ordinal BETWEEN ? AND ? ORDER BY ordinal)
`;

const documentValues = documentColumns.map((column) => `CAST(${column} AS ${columnTypes[column]})`).join(', ');

function places(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}

type Value = string | number | null | Uint8Array;

const busyTimeoutMs = 10_000;

/** Documents that are read at once. */
const recordsAtOnce = 64;

/** What SQLite lists of a damaged file, at most. */
const maximumFaults = 100;

/** The full text as it is, over the texts as they are, in tables of this connection. */
const temporaryWords = `
CREATE TEMP VIEW texts AS SELECT ordinal, CAST(text AS TEXT) AS text FROM main.documents;
CREATE VIRTUAL TABLE temp.checked
  USING fts5(text, content='texts', content_rowid='ordinal', tokenize='${textTokenizer}');
${['data', 'idx', 'docsize', 'config']
  .map((part) => `DELETE FROM temp.checked_${part}; INSERT INTO temp.checked_${part} SELECT * FROM main.words_${part};`)
  .join('\n')}
CREATE VIRTUAL TABLE temp.terms USING fts5vocab('temp', 'checked', 'row');
CREATE VIRTUAL TABLE temp.instances USING fts5vocab('temp', 'checked', 'instance');
`;

/** All places of all words: how many, and a sum over them. */
const instanceSum = 'count(*), total((instances.doc * 31 + instances.offset) % 1000003)';
const wordsInOrder = `SELECT ${instanceSum} FROM temp.instances`;
const wordsSought = `SELECT ${instanceSum} FROM temp.terms CROSS JOIN temp.instances ON instances.term = terms.term`;

/** SQLite's numbers of variable length. FTS5 counts with them: documents, and words in each column. */
function varints(bytes: Buffer): number[] {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of bytes) {
    number = number * 128 + (byte & 127);
    if (byte >= 128) continue;
    numbers.push(number);
    number = 0;
  }
  return numbers;
}

/** @throws NerRetrieverError INDEX_DAMAGED where there is no catalog: the driver would make an empty one, or have no words for it */
function catalogPath(directory: string): string {
  const file = resolve(directory, catalogFile);
  const facts = statSync(file, { throwIfNoEntry: false });
  if (facts?.isFile()) return file;
  throw new NerRetrieverError('INDEX_DAMAGED', { file, reason: facts ? 'it is no file' : 'it is missing' });
}

function isNotWritable(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY'));
}

/** True where commits wait in the write-ahead log, which cannot be left out. */
function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}
