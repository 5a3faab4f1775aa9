import { readFileSync } from 'node:fs';
import { errorCodes, NerRetrieverError } from '@ner-retriever/core';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `([A-Z_0-9]+)` \| (\d{3}) \| (\d) \|/gm)].map(([, code, status, exitCode]) => ({
  code,
  status: Number(status),
  exitCode: Number(exitCode),
}));

test('docs/errors.md lists every error code with its HTTP status and exit code, and none besides', () => {
  const table = errorCodes.map((code) => {
    const { status, exitCode } = Object.create(NerRetrieverError.prototype, {
      code: { value: code },
    }) as NerRetrieverError;
    return { code, status, exitCode };
  });
  const byCode = (a: { code: string | undefined }, b: { code: string | undefined }) =>
    (a.code ?? '').localeCompare(b.code ?? '');
  expect(rows.sort(byCode)).toEqual(table.sort(byCode));
});
