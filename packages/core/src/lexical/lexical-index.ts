import Database from 'libsql';
import { matchExpression } from './match-expression.js';
import { textTokenizer } from './text-tokenizer.js';

export interface LexicalHit {
  readonly id: string;
  /** BM25 (k1 = 1.2, b = 0.75): higher is better. */
  readonly score: number;
}

/**
 * BM25 over a set of texts: SQLite's full-text index with the porter stemmer, English stop words taken out of the query, the
 * query's other words OR-ed.
 *
 *     const index = new LexicalIndex();
 *     index.add([{ id: 'a', text: 'Microraptor was a small dinosaur.' }]);
 *     index.search('dinosaurs', { limit: 10 });   // [{ id: 'a', score: … }]
 */
export class LexicalIndex {
  readonly #database: Database.Database;
  readonly #ids: string[] = [];

  /** @param file where the index lies while it is in use; in memory if absent. The file is the caller's to remove. */
  constructor(file = ':memory:') {
    this.#database = new Database(file);
    // No text is kept (content=''): the index is asked for ids and scores only.
    this.#database.exec(`CREATE VIRTUAL TABLE texts USING fts5(text, content='', tokenize='${textTokenizer}')`);
  }

  /** Documents that the index holds. */
  get size(): number {
    return this.#ids.length;
  }

  /** Adds texts in one transaction. Ids are taken as they come: an id given twice is two documents. */
  add(documents: Iterable<{ readonly id: string; readonly text: string }>): void {
    const insert = this.#database.prepare('INSERT INTO texts (rowid, text) VALUES (?, ?)');
    const before = this.#ids.length;
    this.#database.exec('BEGIN');
    try {
      for (const { id, text } of documents) {
        insert.run(this.#ids.length, text);
        this.#ids.push(id);
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      this.#ids.length = before;
      throw error;
    }
  }

  /**
   * Documents that hold any word of the query, best first; equal scores in the order in which they were added.
   * All of them, unless `limit` says otherwise.
   */
  search(query: string, options: { readonly limit?: number } = {}): LexicalHit[] {
    const expression = matchExpression(query);
    if (expression === null) return [];
    const statement = this.#database
      .prepare('SELECT rowid, -bm25(texts) AS score FROM texts WHERE texts MATCH ? ORDER BY score DESC, rowid LIMIT ?')
      .raw();
    // SQLite reads a negative limit as none.
    const rows = statement.all(expression, options.limit ?? -1) as [row: number, score: number][];
    return rows.map(([row, score]) => ({ id: this.#ids[row] as string, score }));
  }

  close(): void {
    this.#database.close();
  }
}
