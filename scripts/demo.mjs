// npm run demo: from a clone to the first answers. Indexes 3,000 real texts with the bundled model, then asks for types nobody told it about.
import { run, say } from './run.mjs';
import { setUp } from './setup.mjs';

const index = '.demo/wikipedia.index';

setUp();
run('index 3,000 texts of Wikipedia', 'ner-retriever', ['index', 'examples/demo/corpus.jsonl.gz', '--index', index]);
run('ask for eight types', 'ner-retriever', [
  'search',
  '--types',
  'examples/demo/types.txt',
  '--index',
  index,
  '--limit',
  '5',
]);
say(`
Your turn:
  npx ner-retriever search "operatic soprano" --index ${index}
  npx ner-retriever --help`);
