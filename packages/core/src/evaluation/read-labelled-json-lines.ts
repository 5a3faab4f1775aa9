import { NerRetrieverError } from '../errors.js';
import { spanFault } from '../mentions/span-fault.js';
import type { Source } from '../text/document.js';
import { parseDocument } from '../text/parse-document.js';
import { parseJsonLine } from '../text/parse-json-line.js';
import { corpusLines } from './corpus-lines.js';
import type { LabelledCorpus, LabelledDocument, LabelledMention } from './labelled-corpus.js';

/**
 * Reads a labelled data set of one's own from JSON Lines files as one corpus, a document a line:
 * `{"id": "…", "text": "…", "mentions": [{"start": 0, "end": 12, "types": ["volcano", "stratovolcano"]}]}`. Spans are half-open
 * ranges of UTF-16 units. A mention may have no type: it is there to be found in vain. Types are searched for by their own names, in
 * the order of the alphabet. Other fields are ignored, blank lines are skipped.
 *
 * @throws NerRetrieverError naming file and line: the data set is refused whole
 */
export async function readLabelledJsonLines(files: readonly string[]): Promise<LabelledCorpus> {
  const documents: LabelledDocument[] = [];
  const places = new Map<string, string>();
  for (const file of files) {
    for await (const { number, text } of corpusLines(file)) {
      if (text.trim() === '') continue;
      const source = { file, line: number };
      const document = parseLabelled(parseJsonLine(text, source), source);
      const place = places.get(document.id);
      if (place !== undefined) {
        const received = `${JSON.stringify(document.id)}, which stands at ${place} already`;
        throw new NerRetrieverError('CORPUS_MALFORMED', { ...source, expected: 'an id of its own', received });
      }
      places.set(document.id, `${file}:${number}`);
      documents.push(document);
    }
  }
  const names = new Set(documents.flatMap(({ mentions }) => mentions.flatMap(({ types }) => types)));
  return {
    name: 'jsonl',
    types: [...names].sort().map((name) => ({ type: name, query: name, other: false })),
    documents,
  };
}

function parseLabelled(value: unknown, source: Source): LabelledDocument {
  const { id, text, mentions } = parseDocument(value, source);
  const refuse = (field: string, expected: string, received: string): never => {
    throw new NerRetrieverError('DOCUMENT_INVALID', { ...source, field, expected, received });
  };
  if (mentions === undefined) return refuse('mentions', 'an array of {start, end, types}', 'nothing');

  const labels = (value as { mentions: readonly { types?: unknown }[] }).mentions;
  return {
    id,
    text,
    mentions: mentions.map((span, index): LabelledMention => {
      const fault = spanFault(text, span);
      if (fault !== null) {
        return refuse(`mentions[${index}]`, 'a span of its text', `${span.start} to ${span.end} (${fault})`);
      }
      const types = labels[index]?.types;
      if (!Array.isArray(types) || !types.every(isTypeName)) {
        const received = JSON.stringify(types)?.slice(0, 60) ?? 'nothing';
        return refuse(`mentions[${index}].types`, 'an array of type names', received);
      }
      return { ...span, types };
    }),
  };
}

function isTypeName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
