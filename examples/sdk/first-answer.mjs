// Index two texts, then ask for a type that nobody told the index about.
//   node first-answer.mjs
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Retriever } from '@ner-retriever/core';

const directory = await mkdtemp(join(tmpdir(), 'ner-retriever-'));
const retriever = await Retriever.open(directory, { create: true });

const summary = await retriever.add([
  { id: 'fossil', text: 'Microraptor was found in Liaoning and described in 2000.' },
  { id: 'opera', text: 'Maria Callas sang the title role of Tosca at Covent Garden.' },
]);
console.log(`${summary.documents} documents, ${summary.mentions} mentions`);

const { hits } = await retriever.search('dinosaur', { limit: 2 });
for (const hit of hits) console.log(hit.score.toFixed(2), hit.id, hit.mention.text);

await retriever.close();
await rm(directory, { recursive: true });
