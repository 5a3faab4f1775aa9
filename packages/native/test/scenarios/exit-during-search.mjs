import { startLongSearch } from './long-search.mjs';

await startLongSearch();
setTimeout(() => {
  console.log('alive');
  process.exit(0);
}, 20);
