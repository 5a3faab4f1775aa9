import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PreparedModel, prepareModel, type TapKind } from '@ner-retriever/core/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../../packages/cli/test-support/run-command.js';
import { readGoldenArray } from './read-golden-array.js';
import {
  documents,
  golden,
  goldenTap,
  goldenValue,
  graphFolder,
  otherTaps,
  rawRows,
  worstError,
} from './stories260k.js';

const styles = ['stories260k-torchscript', 'stories260k-dynamo', 'stories260k-genai'];
const blocks = Array.from({ length: golden.blocks }, (_, block) => block);

/** Texts of the first rows, for which all taps are known. */
const tappedTexts = golden.texts.filter(
  ({ row, tokens }) => row + tokens.length <= (otherTaps.shape[1] as number),
).length;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stories260k-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function prepared(
  style: string,
  block: number,
  tap: TapKind = 'value',
  source = graphFolder(style),
): Promise<PreparedModel> {
  return prepareModel(source, { block, tap, out: join(mkdtempSync(join(folder, 'model-')), 'prepared') });
}

/**
 * The fused style has its heads widened to what its operator takes: dimension d of a head stands at 2d, with zeros between (see
 * the fixtures' README). Asserts the zeros and takes them out.
 */
function narrowed(style: string, rows: readonly Float32Array[]): Float32Array[] {
  if (!style.endsWith('genai')) return [...rows];
  expect(rows.every((row) => row.every((value, column) => column % 2 === 0 || value === 0))).toBe(true);
  return rows.map((row) => row.filter((_, column) => column % 2 === 0));
}

describe.each(styles)('%s', (style) => {
  test.each(blocks)('value vectors of block %i, alone and in a padded batch', async (block) => {
    const { directory } = await prepared(style, block);
    expect(golden.texts).toHaveLength(17);
    for (const together of [1, 17]) {
      const rows = narrowed(style, await rawRows(directory, together));
      expect(worstError(rows, (row) => goldenValue(block, row))).toBeLessThan(1e-4);
    }
  });

  test.each(['query', 'key', 'attention', 'mlp', 'hidden'] as const)('%s of every block', async (tap) => {
    for (const block of blocks) {
      const { directory } = await prepared(style, block, tap);
      let rows = await rawRows(directory, 17, tappedTexts);
      if (tap === 'query' || tap === 'key') rows = narrowed(style, rows);
      // The scale of attention is made up for in the widened queries.
      const scale = style.endsWith('genai') && tap === 'query' ? Math.SQRT1_2 : 1;
      const scaled = rows.map((row) => row.map((value) => value * scale));
      expect(worstError(scaled, (row) => goldenTap(tap, block, row), tappedTexts)).toBeLessThan(1e-4);
    }
  });

  test('embed --raw writes the same values', async () => {
    const { directory } = await prepared(style, 3);
    const out = join(directory, '..', 'raw.npy');
    const input = documents.map((document, id) => `${JSON.stringify({ id: `${id}`, ...document })}\n`).join('');
    const { code, stderr } = await runCommand(['embed', '-', '--raw', '--model', directory, '--out', out], { input });
    expect(stderr).toContain('rows of');
    expect(code).toBe(0);
    const { shape, data } = readGoldenArray(out);
    const [count = 0, columns = 0] = shape;
    const rows = Array.from(
      { length: count },
      (_, row) => data.slice(row * columns, (row + 1) * columns) as Float32Array,
    );
    expect(worstError(narrowed(style, rows), (row) => goldenValue(3, row))).toBeLessThan(1e-4);
  });

  test('the cut is smaller by the dropped blocks', async () => {
    const sizes: number[] = [];
    for (const block of blocks) {
      const { keptWeightBytes, sourceWeightBytes, description } = await prepared(style, block);
      expect(keptWeightBytes).toBeLessThan(sourceWeightBytes);
      const files = Object.entries(description.files).filter(([name]) => name.startsWith('encoder.onnx'));
      sizes.push(files.reduce((sum, [, { bytes }]) => sum + bytes, 0));
    }
    const steps = sizes.slice(1).map((size, i) => size - (sizes[i] as number));
    // A block of this model: 64 × 64 twice, 64 × 32 twice, 64 × 172 three times, two norms.
    const wholeBlock = 4 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 172 + 2 * 64);
    for (const step of steps) expect(step).toBeGreaterThanOrEqual(wholeBlock);
  });
});

test('weights of dropped blocks are not read: the file of weights may end behind the needed ones', async () => {
  const style = 'stories260k-dynamo';
  const source = join(mkdtempSync(join(folder, 'source-')), 'model');
  cpSync(graphFolder(style), source, { recursive: true });
  const whole = await prepared(style, 0);
  const data = join(source, 'model.onnx.data');
  const needed = lastNeededByte(data, whole);
  expect(needed).toBeLessThan(statSync(data).size / 2);
  truncateSync(data, needed);
  const { description } = await prepared(style, 0, 'value', source);
  expect(description.files).toEqual(whole.description.files);
  await expect(prepared(style, 4, 'value', source)).rejects.toMatchObject({ code: 'MODEL_WEIGHTS_MISSING' });
});

/** Where the source's last needed weight ends: found by its bytes, which the cut has in its own file. */
function lastNeededByte(data: string, { directory }: PreparedModel): number {
  const from = readFileSync(data);
  const cut = readFileSync(join(directory, 'encoder.onnx.data'));
  let last = 0;
  for (let at = 0; at + 64 <= cut.length; at += 64) {
    const found = from.indexOf(cut.subarray(at, at + 64));
    if (found >= 0) last = Math.max(last, found + 64);
  }
  return last;
}
