import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Precision } from '@ner-retriever/native';
import { checkOption, checkOptions } from './check-options.js';
import type { DeviceOption } from './device/device-choice.js';
import { randomNumbers } from './evaluation/random-numbers.js';
import type { RefusedRecord } from './index/adding/add-progress.js';
import { admitRecord, isRecord, type KnownDocuments } from './index/adding/admit-record.js';
import { IndexFolder } from './index/index-folder.js';
import { checkPrecision } from './index/manifest.js';
import { checkIndexModel, rememberedModel } from './index-model.js';
import { detectorIdentity, type MentionDetector } from './mentions/mention-detector.js';
import { Retriever } from './retriever.js';
import type { Document, DocumentRecord } from './text/document.js';
import { DocumentSample } from './text/document-sample.js';

export interface EstimateOptions {
  /** As for `Retriever.open`. */
  readonly model?: string;
  readonly detector?: MentionDetector;
  readonly workers?: number;
  readonly device?: DeviceOption;
  readonly precision?: Precision;
  /** As for `add`. */
  readonly mentions?: 'given' | 'detect';
  readonly strict?: boolean;
  readonly signal?: AbortSignal;
  readonly onRefused?: (refused: RefusedRecord) => void;
  /** Told after each record how far the reading is. */
  readonly onRead?: (reading: EstimateReading) => void;
}

export interface EstimateReading {
  /** Documents that would go in, so far. */
  readonly documents: number;
  /** How far the reading is, as the records say it. */
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** What a run of adding would do. Counted: what is said of documents. Estimated from a sample: mentions, tokens, bytes and time. */
export interface AddEstimate {
  /** Documents that would go in, `replaced` among them. */
  readonly documents: number;
  readonly replaced: number;
  readonly unchanged: number;
  readonly refused: number;
  /** Of the documents' texts. */
  readonly characters: number;
  readonly mentions: number;
  readonly skippedMentions: number;
  readonly tokens: number;
  /** What the index folder would grow by. */
  readonly bytes: number;
  /** From the first record to the last commit, with the model open. */
  readonly elapsedMs: number;
  /** What was indexed, in a folder that is gone again, to estimate the rest from. */
  readonly sample: { readonly documents: number; readonly characters: number; readonly elapsedMs: number };
}

const sampleLimits = { documents: 10_000, characters: 500_000 };

/** The first texts go slower, while code is compiled and memory fills: they are not timed where there are enough others. */
const warmUpShare = 0.1;
const warmUpDocuments = 10;

/**
 * Says what adding documents to an index would do, without doing it: every record is read and checked as `add` does, and a random
 * sample is indexed beside it, in a temporary folder. The index need not exist.
 *
 * @throws NerRetrieverError what `Retriever.open` with `create` and `add` throw, as far as it can be known
 */
export async function estimateAdding(
  directory: string,
  records: Iterable<Document | DocumentRecord> | AsyncIterable<Document | DocumentRecord>,
  options: EstimateOptions = {},
): Promise<AddEstimate> {
  const names = [
    'model',
    'detector',
    'workers',
    'device',
    'precision',
    'mentions',
    'strict',
    'signal',
    'onRefused',
    'onRead',
  ];
  checkOptions('estimateAdding', options, names);
  checkOption(typeof directory === 'string' && directory !== '', 'the index', 'the path of a folder', directory);
  const { detector, workers, device, signal } = options;
  const root = resolve(directory);
  const manifest = await IndexFolder.inspect(root);
  const model = options.model ?? rememberedModel(manifest, directory);
  checkPrecision(directory, manifest, options.precision);
  const precision = options.precision ?? manifest?.precision;

  const folder = await mkdtemp(join(tmpdir(), 'ner-retriever-estimate-'));
  try {
    await using retriever = await Retriever.open(folder, {
      create: true,
      ...(model !== undefined && { model }),
      ...(detector !== undefined && { detector }),
      ...(workers !== undefined && { workers }),
      ...(device !== undefined && { device }),
      ...(precision !== undefined && { precision }),
      ...(signal !== undefined && { signal }),
    });
    if (manifest) checkIndexModel(root, manifest, { ...retriever.info().model, ...retriever.info() });
    const reading = await readAll(manifest && root, folder, records, options);
    return { ...reading.counts, ...(await indexSample(reading, retriever, options)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Reading {
  readonly counts: Pick<AddEstimate, 'documents' | 'replaced' | 'unchanged' | 'refused' | 'characters'>;
  readonly sample: DocumentSample;
  readonly elapsedMs: number;
}

/** @param directory the index, null where there is none; @param folder an index to note ids in */
async function readAll(
  directory: string | null,
  folder: string,
  records: Iterable<Document | DocumentRecord> | AsyncIterable<Document | DocumentRecord>,
  { mentions, detector, strict = false, signal, onRefused, onRead }: EstimateOptions,
): Promise<Reading> {
  const startedAt = performance.now();
  const elapsedMs = () => performance.now() - startedAt;
  const sample = new DocumentSample(sampleLimits, randomNumbers(1));
  const counts = { documents: 0, replaced: 0, unchanged: 0, refused: 0, characters: 0 };
  const held = directory === null ? null : await IndexFolder.open(directory);
  const notes = await IndexFolder.open(folder);
  const writer = await notes.openWriter();
  const known: KnownDocuments = {
    noteId: (id, source) => writer.noteId(id, source),
    holds(id, content) {
      const found = held?.catalog.find(id);
      const same = found?.content.equals(content) ?? false;
      if (found && !same) counts.replaced += 1;
      return same;
    },
  };
  const rules = { mentions, detector: detectorIdentity(detector ?? null) };
  try {
    let position = 0;
    for await (const record of records) {
      signal?.throwIfAborted();
      position += 1;
      const admission = admitRecord(record, position, known, rules);
      if (admission.kind === 'admitted') {
        const { document } = admission.admitted;
        counts.documents += 1;
        counts.characters += document.text.length;
        sample.offer(document);
      } else if (admission.kind === 'refused') {
        if (strict) throw admission.refused.error;
        counts.refused += 1;
        onRefused?.(admission.refused);
      } else {
        counts.unchanged += 1;
      }
      onRead?.({ documents: counts.documents, bytes: isRecord(record) ? record.bytes : 0, elapsedMs: elapsedMs() });
    }
  } finally {
    await writer.close();
    notes.close();
    held?.close();
  }
  return { counts, sample, elapsedMs: elapsedMs() };
}

async function indexSample(
  { counts, sample, elapsedMs: readingMs }: Reading,
  retriever: Retriever,
  { mentions, signal }: EstimateOptions,
): Promise<Omit<AddEstimate, keyof Reading['counts']>> {
  const { documents } = sample;
  const emptyBytes = retriever.info().bytes;
  const addOptions = { ...(mentions && { mentions }), ...(signal && { signal }) };
  const warmUp = Math.floor(documents.length * warmUpShare);
  const timedFrom = warmUp < warmUpDocuments ? 0 : warmUp;
  const first = await retriever.add(documents.slice(0, timedFrom), addOptions);
  const timed = await retriever.add(documents.slice(timedFrom), addOptions);

  // Lengths of texts decide nearly all of it.
  const times = ratio(counts.characters, sample.characters);
  const timedCharacters = charactersOf(documents.slice(timedFrom));
  return {
    mentions: Math.round(times * (first.mentions + timed.mentions)),
    skippedMentions: Math.round(times * (first.skippedMentions + timed.skippedMentions)),
    tokens: Math.round(times * (first.tokens + timed.tokens)),
    bytes: Math.round(times * (retriever.info().bytes - emptyBytes)),
    elapsedMs: Math.max(readingMs, timed.elapsedMs * ratio(counts.characters, timedCharacters)),
    sample: { documents: documents.length, characters: sample.characters, elapsedMs: timed.elapsedMs },
  };
}

function charactersOf(documents: readonly Document[]): number {
  return documents.reduce((sum, { text }) => sum + text.length, 0);
}

/** Empty texts have no length to go by: then it is the sample alone that counts. */
function ratio(whole: number, part: number): number {
  return part === 0 ? 1 : whole / part;
}
