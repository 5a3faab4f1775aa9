import { NerRetrieverError } from '../errors.js';
import type { Source } from '../text/document.js';
import { parseJsonLine } from '../text/parse-json-line.js';
import { corpusLines } from './corpus-lines.js';
import type { LabelledCorpus, LabelledDocument } from './labelled-corpus.js';
import { type NeretrieveLabel, parseNeretrieveLabels } from './neretrieve-label.js';
import { neretrieveMentions } from './neretrieve-mentions.js';

/**
 * Reads NERetrieve's retrieval files, in any order: the paragraphs (NERetrive_IR_corpus.jsonl.bz2) and the labels of a split
 * (NERetrive_IR_test.jsonl.bz2), each plain or compressed. The documents are the paragraphs that are labelled, as in the paper, in
 * the order of the corpus; several label files are one set of labels.
 *
 * The files are published without a description. What they hold:
 *
 *     corpus  {"id": "…", "content": "Microraptor was found in …", "doc_id": …, "title": …, "page_id": …, "para_index": …}
 *     labels  {"id": "…", "tagged_entities": {"Dinosaur": {"Microraptor": {"microraptor": [[0]]}}}, "tagged_entity_types": […], …}
 *
 * that is type -> entity -> how it is written -> its places, each the numbers of its words in content.split(" "); an empty place says
 * that it is not known. Types are searched for by their own names.
 *
 * @throws NerRetrieverError naming file and line: the data set is refused whole
 */
export async function readNeretrieve(files: readonly string[]): Promise<LabelledCorpus> {
  const corpusFiles: string[] = [];
  const labels = new Map<string, LabelsOfParagraph>();
  for (const file of files) {
    if ('content' in (await firstRecord(file))) corpusFiles.push(file);
    else await readLabels(file, labels);
  }
  const [anyFile = ''] = files;
  if (labels.size === 0) throw incomplete(anyFile, 'a file of labels (NERetrive_IR_test.jsonl) beside the corpus');
  if (corpusFiles.length === 0) throw incomplete(anyFile, 'the corpus (NERetrive_IR_corpus.jsonl) beside the labels');

  const documents: LabelledDocument[] = [];
  for (const file of corpusFiles) {
    for await (const { record, source } of records(file)) {
      const id = textField(record, 'id', source);
      const label = labels.get(id);
      if (label === undefined) continue;
      const text = textField(record, 'content', source);
      if (label.taken) throw malformed(source, 'an id of its own', `${JSON.stringify(id)} again`);
      label.taken = true;
      documents.push({ id, text, mentions: neretrieveMentions(text, label.places) });
    }
  }
  for (const [id, { taken, places, source }] of labels) {
    if (!taken) throw malformed(places[0] ?? source, 'the id of a paragraph in the corpus', JSON.stringify(id));
  }
  const types = new Set([...labels.values()].flatMap(({ places }) => places.map(({ type }) => type)));
  return {
    name: 'neretrieve',
    types: [...types].sort().map((type) => ({ type, query: type.replaceAll('_', ' '), other: false })),
    documents,
  };
}

interface LabelsOfParagraph {
  readonly source: Source;
  readonly places: NeretrieveLabel[];
  /** Whether its paragraph was found. */
  taken: boolean;
}

async function readLabels(file: string, labels: Map<string, LabelsOfParagraph>): Promise<void> {
  for await (const { record, source } of records(file)) {
    const id = textField(record, 'id', source);
    const places = parseNeretrieveLabels(record.tagged_entities, source);
    const known = labels.get(id);
    if (known === undefined) labels.set(id, { source, places, taken: false });
    else known.places.push(...places);
  }
}

type Json = Readonly<Record<string, unknown>>;

async function* records(file: string): AsyncGenerator<{ readonly record: Json; readonly source: Source }> {
  for await (const { number, text } of corpusLines(file)) {
    if (text.trim() === '') continue;
    const source = { file, line: number };
    const record = parseJsonLine(text, source);
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw malformed(source, 'a JSON object', text.slice(0, 60));
    }
    yield { record: record as Json, source };
  }
}

async function firstRecord(file: string): Promise<Json> {
  for await (const { record } of records(file)) return record;
  return {}; // never: a file without records is refused
}

function textField(record: Json, field: string, source: Source): string {
  const value = record[field];
  if (typeof value === 'string' && value !== '') return value;
  throw malformed(source, `a string that is not empty in "${field}"`, JSON.stringify(value)?.slice(0, 60) ?? 'nothing');
}

function malformed({ file, line }: Source, expected: string, received: string): NerRetrieverError {
  return new NerRetrieverError('CORPUS_MALFORMED', { file, line, expected, received });
}

function incomplete(file: string, expected: string): NerRetrieverError {
  return malformed({ file, line: 1 }, expected, 'none among the files');
}
