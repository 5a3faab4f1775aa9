// What does a filter over metadata cost, the first time and again?
//   node bench/metadata-filter.mjs [DOCUMENTS]
import { join } from 'node:path';
import { IndexFolder } from '../packages/core/dist/index/index-folder.js';
import { DocumentFilters, hasDocument } from '../packages/core/dist/search/where/document-filters.js';
import { parseWhere } from '../packages/core/dist/search/where/parse-where.js';
import { saveResult } from './save-result.mjs';
import { temporaryFolder } from './temporary-folder.mjs';

const documents = Number(process.argv[2] ?? 100_000);
const commit = 1000;
const rounds = 5;
const filters = [
  { lang: 'en' },
  { year: { $gte: 2000, $lt: 2010 } },
  { tags: 'a' },
  { 'author.name': { $in: ['Author 7', 'Author 70'] } },
  { $or: [{ lang: 'de', year: { $gte: 2020 } }, { $not: { reviewed: true } }] },
];

const directory = join(temporaryFolder(), 'index');
await IndexFolder.create(directory, {
  model: { name: 'none', version: '1', fingerprint: 'none', path: null },
  dimensions: 1,
  precision: 'int8',
});
const folder = await IndexFolder.open(directory);
const writer = await folder.openWriter();
for (let first = 0; first < documents; first += commit) {
  await writer.commit(Array.from({ length: Math.min(commit, documents - first) }, (_, index) => entry(first + index)));
}
await writer.close();

const rows = [];
for (const where of filters) rows.push(await filtering(where));
folder.close();
console.table(rows);
saveResult('metadata-filter', { documents, rows });

async function filtering(where) {
  const condition = parseWhere(where);
  const [check, first, again] = [[], [], []];
  let bits;
  for (let round = 0; round < rounds; round++) {
    const filters = new DocumentFilters();
    // Of a process, the first filter of all checks what it reads.
    const any = await time(() => filters.select(folder.catalog, parseWhere({})));
    check.push(any - (await time(() => filters.select(folder.catalog, parseWhere({ $and: [{}] })))));
    first.push(await time(() => filters.select(folder.catalog, condition)));
    again.push(
      await time(async () => {
        bits = await filters.select(folder.catalog, condition);
      }),
    );
  }
  const ordinals = Array.from({ length: documents }, (_, index) => index + 1);
  return {
    where: JSON.stringify(where),
    documents: ordinals.filter((ordinal) => hasDocument(bits, ordinal)).length,
    checkCpuMs: median(check),
    firstCpuMs: median(first),
    againCpuMs: median(again),
  };
}

/** Milliseconds of the processor, which a busy machine does not change much. */
async function time(work) {
  const begin = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

function entry(number) {
  const metadata = {
    lang: ['en', 'de', 'fr'][number % 3],
    year: 1950 + (number % 75),
    tags: ['a', 'b', 'c'].slice(number % 3),
    author: { name: `Author ${number % 100}`, born: 1900 },
    title: `The title of document ${number}`,
    url: `https://example.org/documents/${number}`,
    reviewed: number % 2 === 0,
  };
  const document = { id: `d${number}`, text: `The text of document ${number}. `.repeat(10), metadata };
  return { document, content: Buffer.alloc(32, document.id), mentions: [], vectors: new Float32Array() };
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return Number(sorted[Math.floor(sorted.length / 2)].toFixed(2));
}
