import { existsSync, readFileSync } from 'node:fs';

/** Where SQLite's write-ahead log ends as far as it was made durable: behind its last commit. 0 where it holds none. */
export function endOfCommits(file) {
  const log = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  if (log.length < 32) return 0;
  const frameBytes = 24 + log.readUInt32BE(8);
  let end = 0;
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes) {
    const isOfThisLog = log.compare(log, 16, 24, at + 8, at + 16) === 0; // the salts; others are of a log before
    if (!isOfThisLog) break;
    const isCommit = log.readUInt32BE(at + 4) !== 0;
    if (isCommit) end = at + frameBytes;
  }
  return end;
}
