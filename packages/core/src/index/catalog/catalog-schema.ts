import { textTokenizer } from '../../lexical/text-tokenizer.js';

/** Of the schema: the catalog's own, beside the format of the whole index. */
export const catalogVersion = 3;

/** All of it in one transaction: a catalog is there whole or not at all. */
export const catalogSchema = `
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS documents (
  ordinal INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE, -- UTF-8, as all texts: this driver's own strings end at a NUL
  content BLOB NOT NULL,
  rows INTEGER NOT NULL,
  mentions BLOB, -- as given: JSON [[start, end], …]; NULL: none were given
  metadata BLOB, -- JSON
  evidence BLOB NOT NULL, -- where the mention of each row stands: 12 bytes a row, see stored-document.ts
  text BLOB NOT NULL, -- UTF-8
  metadata_checksum INTEGER NOT NULL, -- CRC32C of ordinal and metadata, which filters read without the rest
  checksum INTEGER NOT NULL -- CRC32C of the other columns
);
CREATE TABLE IF NOT EXISTS blocks (
  block INTEGER PRIMARY KEY, -- in the order of rows
  segment INTEGER NOT NULL,
  rows INTEGER NOT NULL, -- what lies beyond them in the segment's files does not count
  longest REAL NOT NULL,
  checksums BLOB NOT NULL, -- CRC32C of the rows in each column, see stored-block.ts
  checksum INTEGER NOT NULL -- CRC32C of the other columns
);
CREATE TABLE IF NOT EXISTS deaths ( -- of documents whose rows are still in a segment
  death INTEGER PRIMARY KEY, -- 1, 2, 3 … in each generation
  document INTEGER NOT NULL,
  checksum INTEGER NOT NULL -- CRC32C of the other columns
);
CREATE TABLE IF NOT EXISTS totals ( -- one record, see totals.ts
  documents INTEGER NOT NULL,
  mentions INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  deaths INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  checksum INTEGER NOT NULL -- CRC32C of the other columns
);

-- Full text of the documents, which stay where they are.
CREATE VIRTUAL TABLE IF NOT EXISTS words
  USING fts5(text, content='documents', content_rowid='ordinal', tokenize='${textTokenizer}');
CREATE TRIGGER IF NOT EXISTS document_added AFTER INSERT ON documents BEGIN
  INSERT INTO words (rowid, text) VALUES (new.ordinal, CAST(new.text AS TEXT));
END;
CREATE TRIGGER IF NOT EXISTS document_removed AFTER DELETE ON documents BEGIN
  INSERT INTO words (words, rowid, text) VALUES ('delete', old.ordinal, CAST(old.text AS TEXT));
END;

PRAGMA user_version = ${catalogVersion};
COMMIT;
`;
