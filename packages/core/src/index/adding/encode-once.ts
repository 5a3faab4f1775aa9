import type { Document } from '../../text/document.js';
import type { EncodeDocuments, EncodedDocument } from './encoded-document.js';

/** What is remembered of a run, at most: vectors, mentions and texts. */
const maximumBytes = 32 * 1024 * 1024;

/** Beside its text, vectors and mentions: the entry of a map and a promise. */
const bytesPerDocument = 500;
const bytesPerMention = 100;

/**
 * Encodes documents of the same text and the same given mentions once: boilerplate sentences and headlines come over and over. The
 * least recently used are forgotten when they take more than `capacity` bytes, and then encoded anew.
 */
export function encodeOnce(encode: EncodeDocuments, capacity: number = maximumBytes): EncodeDocuments {
  /** By what decides a document's vectors; least recently used first. Those under way are among them. */
  const known = new Map<string, Promise<EncodedDocument>>();
  const sizes = new Map<string, number>();
  let bytes = 0;

  const startEncoding = (fresh: ReadonlyMap<string, Document>, signal: AbortSignal): void => {
    if (fresh.size === 0) return;
    const whole = encode([...fresh.values()], signal);
    for (const [place, key] of [...fresh.keys()].entries()) {
      const one = whole.then((encoded) => ownCopy(encoded[place] as EncodedDocument));
      one.catch(() => undefined); // the caller waits for it; a call after a failure may not
      known.set(key, one);
    }
  };

  const remember = (key: string, { text }: Document, encoded: EncodedDocument): void => {
    const one = known.get(key);
    if (one === undefined) return; // forgotten while it was under way
    known.delete(key);
    known.set(key, one);
    if (!sizes.has(key)) {
      const size =
        2 * text.length + encoded.vectors.byteLength + bytesPerMention * encoded.mentions.length + bytesPerDocument;
      sizes.set(key, size);
      bytes += size;
    }
  };

  const forgetOldest = (): void => {
    for (const key of known.keys()) {
      if (bytes <= capacity) return;
      bytes -= sizes.get(key) ?? 0;
      sizes.delete(key);
      known.delete(key);
    }
  };

  return async (documents, signal) => {
    const keys = documents.map(keyOf);
    const fresh = new Map<string, Document>();
    for (const [index, key] of keys.entries()) {
      if (!known.has(key)) fresh.set(key, documents[index] as Document);
    }
    startEncoding(fresh, signal);
    const encoded = await Promise.all(keys.map((key) => known.get(key) as Promise<EncodedDocument>));
    for (const [index, key] of keys.entries()) {
      remember(key, documents[index] as Document, encoded[index] as EncodedDocument);
    }
    forgetOldest();
    return encoded;
  };
}

/** All that decides what the encoder makes of a document, its spans first: no number holds a NUL. */
function keyOf({ text, mentions }: Document): string {
  const spans = mentions?.map(({ start, end }) => `${start},${end}`).join(' ') ?? 'none';
  return `${spans}\0${text}`;
}

/** Its vectors alone: they are a part of a matrix, which would be kept with them. */
function ownCopy(encoded: EncodedDocument): EncodedDocument {
  return { ...encoded, vectors: encoded.vectors.slice() };
}
