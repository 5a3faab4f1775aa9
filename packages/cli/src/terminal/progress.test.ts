import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { BoundedNotices } from './bounded-notices.js';
import { Messages } from './messages.js';
import { Progress } from './progress.js';

function messagesOn(terminal: boolean, environment: NodeJS.ProcessEnv = {}) {
  const stream = Object.assign(new PassThrough(), terminal ? { isTTY: true, columns: 100 } : {});
  const messages = new Messages(stream as unknown as NodeJS.WriteStream, environment);
  return { messages, said: () => String(stream.read() ?? '') };
}

const state = { documents: 1260, mentions: 5031, tokens: 36_600, elapsedMs: 2000, share: 0.25 };

test('a live line on a terminal: bar, counts, speed, time left', () => {
  const { messages, said } = messagesOn(true);
  new Progress(messages).update(state);
  expect(said()).toBe(
    '\r\u001b[2K█████░░░░░░░░░░░░░░░  25%  1,260 documents  5,031 mentions  18,300 tokens/s  0:06 left',
  );
});

test('a message goes above the live line, and the end takes the line away', () => {
  const { messages, said } = messagesOn(true, { NO_COLOR: '1' });
  const progress = new Progress(messages);
  progress.update({ ...state, share: null });
  said();
  messages.warn('a mention was skipped');
  expect(said()).toBe('\r\u001b[2Kwarning: a mention was skipped\n1,260 documents  5,031 mentions  18,300 tokens/s');
  progress.end();
  expect(said()).toBe('\r\u001b[2K');
});

test('elsewhere: a plain line every ten seconds, no escapes', () => {
  const { messages, said } = messagesOn(false);
  let now = 0;
  const progress = new Progress(messages, () => now);
  for (; now <= 25_000; now += 50) progress.update({ ...state, documents: now });
  progress.end();
  expect(said().split('\n')).toEqual([
    '10,000 documents  5,031 mentions  18,300 tokens/s  0:06 left',
    '20,000 documents  5,031 mentions  18,300 tokens/s  0:06 left',
    '',
  ]);
});

test('colours only on a terminal without NO_COLOR', () => {
  const coloured = messagesOn(true);
  coloured.messages.error('x');
  expect(coloured.said()).toBe('\u001b[31merror:\u001b[39m x\n');
  const plain = messagesOn(false);
  plain.messages.error('x');
  expect(plain.said()).toBe('error: x\n');
});

test('notices are bounded', () => {
  const said: string[] = [];
  const notices = new BoundedNotices((text) => said.push(text), 2);
  for (let line = 1; line <= 1002; line++) notices.add(`line ${line}`);
  notices.end('refused lines');
  expect(said).toEqual(['line 1', 'line 2', '… and 1,000 more refused lines']);
  expect(notices.count).toBe(1002);
});
