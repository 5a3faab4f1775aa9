import { expect, test } from 'vitest';
import { announceDevices, deviceFlag, deviceOf } from './device-flag.js';
import { parseArguments } from './flags/parse-arguments.js';
import { commonFlags } from './help.js';
import type { Messages } from './terminal/messages.js';

function told(words: readonly string[], choices: Parameters<typeof announceDevices>[0]): string[] {
  const lines: string[] = [];
  const messages = { note: (text: string) => lines.push(text), warn: (text: string) => lines.push(`warning: ${text}`) };
  announceDevices(choices, read(words), messages as unknown as Messages);
  return lines;
}

const read = (words: readonly string[]) =>
  parseArguments(words, [deviceFlag, ...commonFlags], { title: 'a command', usage: 'a command' });

const choices = {
  search: { device: 'cpu', reason: 'the rows do not fit\u001b[2J' },
  encoder: { device: 'cuda', reason: 'a GPU' },
} as const;

test('what fell back although cuda was asked for is told, and nothing else', () => {
  expect(told(['--device', 'cuda'], choices)).toEqual(['warning: search: cpu, not cuda (the rows do not fit␛[2J)']);
  expect(told(['--device', 'auto'], choices)).toEqual([]);
  expect(told([], choices)).toEqual([]);
});

test('with --verbose all of it is told', () => {
  const all = ['search: cpu (the rows do not fit␛[2J)', 'encoder: cuda (a GPU)'];
  expect(told(['--verbose'], choices)).toEqual(all);
  expect(told(['--verbose', '--device', 'cuda'], choices)).toEqual(all);
});

test('a device that is not given is no option', () => {
  expect(deviceOf(read([]))).toEqual({});
  expect(deviceOf(read(['--device', 'cpu']))).toEqual({ device: 'cpu' });
  expect(() => deviceOf(read(['--device', 'gpu']))).toThrow('auto or cpu or cuda');
});
