import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { addon } from './addon.js';

test('the typed surface and the exports of the binary are the same', () => {
  const source = readFileSync(new URL('addon.ts', import.meta.url), 'utf8');
  const body = /export interface Addon \{([\s\S]*?)\n\}/.exec(source)?.[1] ?? '';
  const declared = [...body.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1]);
  expect(declared.length).toBeGreaterThan(5);
  expect(Object.keys(addon).sort()).toEqual(declared.sort());
});

test('a handle of another type, and anything else, is refused', () => {
  const projection = addon.projectionCreate([], 2, null);
  const index = addon.indexCreate(2, 1);
  const rows = new Float32Array(2);
  for (const wrong of [index, {}, null, undefined, 7, rows]) {
    const call = () => addon.projectionRunSync(wrong as never, rows);
    expect(call).toThrow(TypeError);
    expect(call).toThrow('expected the handle of a Projection');
  }
  expect(() => addon.indexSize(projection as never)).toThrow('expected the handle of a VectorIndex');
  expect(() => addon.indexSearch(projection as never, rows, 1)).toThrow(TypeError);
  expect(() => addon.faissInfo(index as never)).toThrow('expected the handle of a FaissIndex');
  expect(() => addon.cudaDeviceDescribe(index as never)).toThrow('expected the handle of a CudaDevice');
  expect(() => addon.projectionCreate([], 2, index as never)).toThrow('expected the handle of a CudaDevice');
  expect(() => addon.poolSpans(rows, 2, new Int32Array(0), 'last', projection as never)).toThrow(TypeError);
});

test('missing arguments are refused', () => {
  for (const operation of Object.values(addon) as ((...none: unknown[]) => unknown)[]) {
    if (([addon.info, addon.cudaLibrary, addon.cudaProbe, addon.faissDevices] as unknown[]).includes(operation))
      continue;
    expect(operation).toThrow(/expected/);
  }
});
