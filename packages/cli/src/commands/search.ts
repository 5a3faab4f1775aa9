import type { ApproximateParameters, CutOff, Hit, Retriever, SearchOptions, TypeQuery } from '@ner-retriever/core';
import { approximateFlags, approximateParameters } from '../approximate-parameters.js';
import type { Command, Surroundings } from '../command.js';
import { announceDevices, deviceFlag, deviceOf } from '../device-flag.js';
import type { Arguments } from '../flags/arguments.js';
import { readTypeQuery, typeQueryFlags } from '../flags/type-query-flags.js';
import { readWhere, whereFlag } from '../flags/where-flags.js';
import { formatHit } from '../format-hit.js';
import { hitLine } from '../hit-line.js';
import { readTypeDescriptions } from '../read-type-descriptions.js';
import { formatAmount } from '../terminal/format.js';
import { jsonText } from '../terminal/json-text.js';
import type { Messages } from '../terminal/messages.js';
import type { Output } from '../terminal/output.js';
import { sanitise } from '../terminal/sanitise.js';
import { styleFor } from '../terminal/style.js';

/** Descriptions that are searched for in one pass over the index. */
const typesAtOnce = 64;

export const search: Command = {
  usage: [
    '"TYPE" --index DIR',
    '"TYPE" --and "TYPE" --not "TYPE" --example "[[MENTION]] …" --index DIR',
    '--types FILE --index DIR',
  ],
  about: `Finds the documents that mention an entity of a type, best first, each with the mention that is the evidence.
The index remembers the model that made it.`,
  flags: [
    { name: 'index', value: 'DIR', help: 'the index folder' },
    ...typeQueryFlags,
    { name: 'types', value: 'FILE', help: 'many descriptions, one a line (- for standard input)' },
    { name: 'limit', value: 'N', help: 'at most N documents for a description (default: 10)' },
    { name: 'all', help: 'every document that has a vector, ranked' },
    {
      name: 'min-score',
      value: 'S|auto',
      help: 'only documents that score at least S; auto: down to where the type is estimated to end',
    },
    {
      name: 'hybrid',
      help: 'rank by vectors and by words (BM25): 1 / (60 + place) summed over both is the score, at most 0.0328',
    },
    whereFlag,
    { name: 'evidence', value: 'N', help: "a hit's N best mentions, not the best one alone" },
    { name: 'approximate', help: 'by the approximate index (see "approximate"): faster, and documents may be missing' },
    ...approximateFlags,
    { name: 'json', help: 'one JSON document: {"results": [{"type", "hits": […]}]}' },
    { name: 'jsonl', help: 'one hit a line: {"type", "rank", "score", "id", "mention": {"start", "end", "text"}}' },
    {
      name: 'model',
      value: 'DIR|ID',
      help: 'where the model of the index lies now, if it was moved',
    },
    deviceFlag,
  ],
  examples: [
    'search "dinosaur" --index wiki.index',
    'search "operatic soprano" --index wiki.index --all --min-score 0.35 --jsonl',
    'search "operatic soprano" --index wiki.index --all --min-score auto --jsonl',
    'search "operatic soprano" --index wiki.index --hybrid',
    'search "river" --index wiki.index --approximate --ef-search 128',
    'search "company" --and "car maker^2" --not "railway company" --example "[[Toyota]] opened a plant." --index wiki.index',
    'search "dinosaur" --index wiki.index --where lang=en --where "year>=2000"',
    'search --types types.txt --index wiki.index --limit 100 --jsonl > hits.jsonl',
  ],

  async run(words, surroundings) {
    const directory = words.required('index');
    const model = words.text('model');
    words.exclusive('limit', 'all');
    words.exclusive('json', 'jsonl');
    words.exclusive('hybrid', 'min-score');
    words.exclusive('approximate', 'all');
    words.exclusive('approximate', 'hybrid');
    for (const { name } of approximateFlags) {
      if (words.has(name) && !words.has('approximate')) words.refuse(`--${name} with --approximate`, `--${name} alone`);
    }
    const minScore = words.text('min-score') === 'auto' ? 'auto' : words.number('min-score', 'a number or auto');
    const evidence = words.integer('evidence', 1);
    const where = readWhere(words);
    const wanted: Wanted = {
      limit: words.integer('limit', 1) ?? 10,
      how: {
        mode: words.has('hybrid') ? 'hybrid' : 'vectors',
        ...(minScore !== undefined && { minScore }),
        ...(evidence !== undefined && { evidence }),
        ...(where !== undefined && { where }),
      },
      ...(words.has('approximate') && { approximate: approximateParameters(words) }),
    };
    const types = await queries(words);

    const { Retriever, describeTypeQuery } = await import('@ner-retriever/core');
    await using retriever = await Retriever.open(directory, {
      readOnly: true,
      ...(model !== undefined && { model }),
      ...deviceOf(words),
    });
    const found = words.has('all') ? everyHit(retriever, types, wanted) : bestHits(retriever, types, wanted);
    const results = described(found, describeTypeQuery);
    const announced = announceCutOffs(results, surroundings.messages);
    const print = words.has('jsonl') ? printJsonLines : words.has('json') ? printJson : printForPeople;
    await print(announced, surroundings, wanted);
    // Only now is it known whether the rows fit.
    const { search: searching, encoder } = retriever.devices;
    announceDevices({ search: searching, ...(words.has('verbose') && { encoder }) }, words, surroundings.messages);
    return 0;
  },
};

interface Wanted {
  readonly limit: number;
  readonly how: Pick<SearchOptions, 'mode' | 'minScore' | 'evidence' | 'where'>;
  readonly approximate?: ApproximateParameters;
}

interface Found {
  readonly query: TypeQuery;
  readonly hits: AsyncIterable<Hit> | Iterable<Hit>;
  /** With --min-score auto. */
  readonly cutOff?: CutOff | undefined;
}

interface Result {
  readonly type: string;
  readonly hits: AsyncIterable<Hit> | Iterable<Hit>;
  /** With --min-score auto. */
  readonly cutOff?: CutOff | undefined;
}

async function queries(words: Arguments): Promise<TypeQuery[]> {
  const file = words.text('types');
  const [type, ...more] = words.operands;
  if (more.length > 0) words.refuse('one TYPE, in quotes', `${words.operands.length} words`);
  if (type?.trim() === '') words.refuse('"TYPE" or --types FILE', 'an empty TYPE');
  const query = readTypeQuery(words, type);
  if (file !== undefined) {
    if (query !== undefined) words.refuse('"TYPE" or --types FILE', 'both');
    return readTypeDescriptions(file);
  }
  return [query ?? words.refuse('"TYPE" or --types FILE', 'none')];
}

async function* bestHits(retriever: Retriever, types: readonly TypeQuery[], wanted: Wanted): AsyncGenerator<Found> {
  const { limit, how, approximate } = wanted;
  for (let first = 0; first < types.length; first += typesAtOnce) {
    const some = types.slice(first, first + typesAtOnce);
    const found = await retriever.searchMany(some, { limit, ...how, ...(approximate && { approximate }) });
    for (const [place, query] of some.entries()) yield { query, hits: [], ...found[place] };
  }
}

async function* everyHit(retriever: Retriever, types: readonly TypeQuery[], { how }: Wanted): AsyncGenerator<Found> {
  for (const query of types) {
    if (how.minScore !== 'auto') yield { query, hits: retriever.searchAll(query, how) };
    else {
      // The stream of hits tells no estimate: ask for it first, and then for what lies above.
      const { cutOff } = await retriever.search(query, { ...how, limit: 1 });
      const above = { ...how, ...(cutOff && { minScore: cutOff.minScore }) };
      yield { query, cutOff, hits: retriever.searchAll(query, above) };
    }
  }
}

async function* described(found: AsyncIterable<Found>, describe: (query: TypeQuery) => string): AsyncGenerator<Result> {
  for await (const { query, ...rest } of found) yield { type: describe(query), ...rest };
}

/** Says on standard error where each list was cut. */
async function* announceCutOffs(results: AsyncIterable<Result>, messages: Messages): AsyncGenerator<Result> {
  for await (const result of results) {
    const { type, cutOff } = result;
    if (cutOff) {
      // Whole quarters of a hundredth: four digits are all of it, to be given as S the next time.
      const minScore = Number(cutOff.minScore.toFixed(4));
      const documents = formatAmount(cutOff.documents, 'document');
      messages.note(`${sanitise(type)}: ${documents} above the estimated cut-off ${minScore}`);
    }
    yield result;
  }
}

async function printJsonLines(results: AsyncIterable<Result>, { output }: Surroundings): Promise<void> {
  await eachHit(results, output, async (type, rank, hit) => output.line(jsonText(hitLine(type, rank, hit))));
}

async function printJson(results: AsyncIterable<Result>, { output }: Surroundings): Promise<void> {
  // Streamed: an exhaustive answer need not fit into memory.
  await output.write('{"results":[');
  let open = false;
  await eachHit(
    results,
    output,
    async (type, rank, hit) => {
      const { type: _, ...line } = hitLine(type, rank, hit);
      await output.write(`${rank === 1 ? '' : ','}\n  ${jsonText(line)}`);
    },
    async (type) => {
      await output.write(`${open ? '\n]},' : ''}\n{"type":${jsonText(type)},"hits":[`);
      open = true;
    },
  );
  await output.write(`${open ? '\n]}' : ''}\n]}\n`);
}

async function printForPeople(
  results: AsyncIterable<Result>,
  { output, environment }: Surroundings,
  { how }: Wanted,
): Promise<void> {
  // The scores of a hybrid search lie closer together.
  const digits = how.mode === 'hybrid' ? 4 : 3;
  const style = styleFor(output.isTerminal, environment);
  let hits = -1;
  const none = async () => {
    if (hits === 0) await output.line('      no document');
  };
  await eachHit(
    results,
    output,
    async (_, rank, hit) => {
      hits = rank;
      await output.line(formatHit(rank, hit, digits, style, output.columns ?? 120));
    },
    async (type) => {
      await none();
      await output.line(`${hits < 0 ? '' : '\n'}${style.bold(sanitise(type))}`);
      hits = 0;
    },
  );
  await none();
}

/** Hands on the hits in order, ranks counted anew for each description; stops once the reader has left. */
async function eachHit(
  results: AsyncIterable<Result>,
  output: Output,
  onHit: (type: string, rank: number, hit: Hit) => Promise<void>,
  onType: (type: string) => Promise<void> = async () => {},
): Promise<void> {
  for await (const { type, hits } of results) {
    await onType(type);
    let rank = 0;
    for await (const hit of hits) {
      if (output.closed) return;
      await onHit(type, ++rank, hit);
    }
  }
}
