import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Retriever } from '@ner-retriever/core';
import { afterAll, describe, expect, test } from 'vitest';
import { useEmulatedCuda } from '../../../test/support/emulated-cuda.mjs';

const isEmulated = useEmulatedCuda();
const model = fileURLToPath(new URL('../../../test/fixtures/tiny-model', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'ner-retriever-devices-'));
afterAll(() => rm(folder, { recursive: true }));

/** Documents with few different words, so that scores come close to each other. */
const documents = Array.from({ length: 60 }, (_, place) => {
  const name = ['Danube', 'Toyota', 'Verdi', 'Liaoning'][place % 4] as string;
  const text = `${name} ${place % 7} was seen by Xu Xing.`;
  const mentions = [
    { start: 0, end: name.length },
    { start: text.indexOf('Xu'), end: text.length - 1 },
  ];
  return { id: `d${place}`, text, mentions };
});

async function ranking(retriever: Retriever): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of retriever.searchAll('river')) ids.push(id);
  return ids;
}

describe.runIf(isEmulated).each(['int8', 'float32', 'bfloat16'] as const)(
  'an index of %s, searched on a GPU',
  (precision) => {
    const directory = join(folder, precision);
    const open = (device: 'cpu' | 'cuda') => Retriever.open(directory, { readOnly: true, device });

    test('has the hits that it has on the CPU, also those of documents that come and go', async () => {
      await using writer = await Retriever.open(directory, { create: true, model, precision, workers: 1 });
      await writer.add(documents.slice(0, 40));
      await using cpu = await open('cpu');
      await using cuda = await open('cuda');
      const expectSame = async () => {
        for (const options of [
          { limit: 7 },
          { limit: 500 },
          { evidence: 2 },
          { minScore: 0.1, limit: 500 },
          { mode: 'hybrid' as const },
        ]) {
          const queries = ['river', 'car maker', 'composer'];
          const [found, expected] = await Promise.all([
            cuda.searchMany(queries, options),
            cpu.searchMany(queries, options),
          ]);
          if (precision === 'int8') expect(found).toEqual(expected);
          const ids = (results: typeof found) =>
            results.map(({ hits }) => hits.map(({ id, mention }) => [id, mention]));
          expect(ids(found)).toEqual(ids(expected));
        }
        expect(await ranking(cuda)).toEqual(await ranking(cpu));
      };
      await expectSame();
      await writer.add(documents.slice(40));
      await writer.delete('d3');
      await expectSame();
      await writer.compact();
      await expectSame();
      expect(cuda.devices).toEqual({
        search: { device: 'cuda', reason: expect.stringMatching(/\S/) },
        encoder: { device: 'cpu', reason: 'it reads type descriptions alone' },
      });
      expect(cpu.devices.search).toEqual({ device: 'cpu', reason: 'asked for' });
    });
  },
);

test('auto leaves a small index on the CPU', async () => {
  await using retriever = await Retriever.open(join(folder, 'small'), { create: true, model, workers: 1 });
  expect(retriever.devices.search).toEqual({ device: 'cpu', reason: 'the index is small: a GPU would not pay' });
});
