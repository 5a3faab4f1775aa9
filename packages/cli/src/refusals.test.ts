import { NerRetrieverError } from '@ner-retriever/core/errors';
import { expect, test } from 'vitest';
import { Refusals } from './refusals.js';
import type { Messages } from './terminal/messages.js';

test('refused lines are errors, skipped mentions warnings; both bounded, and safe on a terminal', () => {
  const said: string[] = [];
  const messages = {
    error: (text: string) => said.push(`error ${text}`),
    warn: (text: string) => said.push(`warning ${text}`),
  };
  const refusals = new Refusals(messages as unknown as Messages);
  for (let line = 1; line <= 25; line++) {
    refusals.refuse(
      new NerRetrieverError('CORPUS_MALFORMED', { file: 'a\u001b[2J', line, expected: 'x', received: 'y' }),
    );
  }
  refusals.skip({ file: 'docs.jsonl', line: 7 }, 'd\u001b', { start: 3, end: 3, reason: 'empty' });
  refusals.end();
  expect(said[0]).toBe('error a␛[2J:1: expected x, but received y.');
  expect(said.slice(20)).toEqual([
    'warning docs.jsonl:7: the mention 3–3 of "d␛" was skipped: it is empty. Its end must lie behind its start.',
    'error … and 5 more refused lines',
  ]);
  expect([refusals.refused, refusals.skipped]).toEqual([25, 1]);
});
