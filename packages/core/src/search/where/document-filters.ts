import { setImmediate } from 'node:timers/promises';
import type { Catalog } from '../../index/catalog/catalog.js';
import type { DocumentBits } from '../../index/segments/document-set.js';
import { compileWhere } from './compile-where.js';
import type { Condition } from './condition.js';

/** What a filter is known to let through, as far as it was walked. */
interface Walked {
  readonly bits: DocumentBits;
  readonly lastOrdinal: number;
}

const nothing: Walked = { bits: new Uint8Array(), lastOrdinal: 0 };

/**
 * Finds the documents of an index that a filter lets through. A document never changes under its ordinal, so what was found stays true:
 * a filter that comes again looks at newer documents only.
 */
export class DocumentFilters {
  /** The filters used last, the latest at the end. */
  readonly #walked = new Map<string, Walked>();
  /** Up to this ordinal, what filters read was found to be what was written. */
  #checked = 0;

  /**
   * The documents that the catalog has now and the filter lets through. Documents that are gone since may be among them.
   *
   * @param catalog a connection held on one state, not older than the call
   */
  async select(catalog: Catalog, condition: Condition): Promise<DocumentBits> {
    const compiled = compileWhere(condition);
    const key = JSON.stringify(compiled);
    // Taken before anything is awaited: what other calls walk meanwhile may lack documents that only this catalog's state still has.
    const known = this.#walked.get(key) ?? nothing;
    const lastOrdinal = Math.max(catalog.totals().lastOrdinal, known.lastOrdinal);
    const bits = new Uint8Array((lastOrdinal >>> 3) + 1);
    bits.set(known.bits);
    await this.#check(catalog, lastOrdinal);
    if (lastOrdinal > known.lastOrdinal) {
      const ordinalsWhere = catalog.ordinalsWhere(compiled);
      for (let first = known.lastOrdinal + 1; first <= lastOrdinal; first += ordinalsAtOnce) {
        for (const ordinal of ordinalsWhere(first, Math.min(first + ordinalsAtOnce - 1, lastOrdinal))) {
          bits[ordinal >>> 3] = (bits[ordinal >>> 3] as number) | (1 << (ordinal & 7));
        }
        await setImmediate();
      }
    }
    this.#keep(key, { bits, lastOrdinal });
    return bits;
  }

  /** Checks documents that no filter has walked yet. */
  async #check(catalog: Catalog, lastOrdinal: number): Promise<void> {
    const isFirst = this.#checked === 0;
    let documents = 0;
    for (let first = this.#checked + 1; first <= lastOrdinal; first += ordinalsAtOnce) {
      documents += catalog.checkMetadata(first, Math.min(first + ordinalsAtOnce - 1, lastOrdinal));
      await setImmediate();
    }
    if (isFirst) catalog.checkCount(documents);
    this.#checked = Math.max(this.#checked, lastOrdinal);
  }

  #keep(key: string, walked: Walked): void {
    this.#walked.delete(key);
    this.#walked.set(key, walked);
    const [oldest] = this.#walked.keys();
    if (this.#walked.size > mostFilters && oldest !== undefined) this.#walked.delete(oldest);
  }
}

/** A few milliseconds' work, after which the event loop has its turn. */
const ordinalsAtOnce = 2048;

/** A filter takes a bit a document: 125 kB for a million. */
const mostFilters = 16;
