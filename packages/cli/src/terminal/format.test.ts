import { expect, test } from 'vitest';
import { formatAmount, formatBytes, formatDuration } from './format.js';

test('amounts', () => {
  expect(formatAmount(1, 'document')).toBe('1 document');
  expect(formatAmount(0, 'document')).toBe('0 documents');
  expect(formatAmount(12345, 'mention')).toBe('12,345 mentions');
});

test('bytes', () => {
  expect([0, 999, 1000, 3_400_000, 123_456_789, 999_999, 2e13].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '3.4 MB',
    '123 MB',
    '1.0 MB',
    '20.0 TB',
  ]);
});

test('durations', () => {
  expect([0, 7_400, 754_000, 11_045_000].map(formatDuration)).toEqual(['0:00', '0:07', '12:34', '3:04:05']);
});
