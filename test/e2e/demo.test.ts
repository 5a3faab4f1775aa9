import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const command = join(root, 'packages/cli/bin/ner-retriever.js');

interface Hit {
  type: string;
  rank: number;
  score: number;
  id: string;
  mention: { start: number; end: number; text: string };
}

// The main job on real text with the bundled model: a part of the demo's corpus that holds dinosaurs, sopranos and volcanoes among other things.
describe('the bundled model on the demo corpus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ner-retriever-e2e-'));
  const index = join(folder, 'demo.index');
  const texts = new Map<string, string>();
  const run = (...words: string[]) =>
    execFileSync(process.execPath, [command, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const search = (...words: string[]): Hit[] =>
    run('search', ...words, '--index', index, '--jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  beforeAll(() => {
    const lines = gunzipSync(readFileSync(join(root, 'examples/demo/corpus.jsonl.gz')))
      .toString('utf8')
      .trim()
      .split('\n');
    const chosen = lines.filter((line, number) => number % 10 === 0 || /dinosaur|soprano|volcano/.test(line));
    for (const line of chosen) {
      const { id, text } = JSON.parse(line);
      texts.set(id, text);
    }
    writeFileSync(join(folder, 'docs.jsonl'), `${chosen.join('\n')}\n`);
    run('index', join(folder, 'docs.jsonl'), '--index', index);
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('ranks every document at most once, scores falling, with offsets that cut out the mention', () => {
    const hits = search('dinosaur', '--all');
    expect(new Set(hits.map((hit) => hit.id)).size).toBe(hits.length);
    expect(hits.length).toBeGreaterThan(texts.size * 0.8);
    for (const [place, hit] of hits.entries()) {
      expect(hit.rank).toBe(place + 1);
      expect(hit.score).toBeLessThanOrEqual(hits[place - 1]?.score ?? 1);
      expect(texts.get(hit.id)?.slice(hit.mention.start, hit.mention.end)).toBe(hit.mention.text);
    }
  });

  // By chance, a tenth of the first ten would be of the type.
  test.each(['dinosaur', 'soprano', 'volcano'])('most of the first ten answers to "%s" are about one', (type) => {
    const about = search(type, '--limit', '10').filter((hit) => texts.get(hit.id)?.includes(type));
    expect(about.length).toBeGreaterThanOrEqual(6);
  });
});
