import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelInfo, prepareModel } from '@ner-retriever/core/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../../packages/cli/test-support/run-command.js';
import { goldenValue, graphFolder, rawRows, worstError } from './stories260k.js';

/**
 * The first two blocks of the tiny Llama with other weights. The tolerance of each is about twice what the uncut model's own
 * value tensor differs from float64 (see the fixtures' README): what the weights lose, and nothing that the cut adds.
 */
const variants = [
  { file: 'model_fp16.onnx', weights: 'float16', tolerance: 0.004, batchDependent: false },
  { file: 'model_q8_blocks.onnx', weights: '8 bits in blocks (MatMulNBits)', tolerance: 0.04, batchDependent: false },
  { file: 'model_q4.onnx', weights: '4 bits in blocks (MatMulNBits)', tolerance: 0.6, batchDependent: false },
  { file: 'model_qdq.onnx', weights: '8 bits, static (QDQ)', tolerance: 0.35, batchDependent: false },
  { file: 'model_quantized.onnx', weights: '8 bits, dynamic (MatMulInteger)', tolerance: 0.2, batchDependent: true },
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantised-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(variants)('$weights', ({ file, tolerance, batchDependent }) => {
  const source = graphFolder(`stories260k-quantised/onnx/${file}`);

  test.each([0, 1])('value vectors of block %i', async (block) => {
    const { directory } = await prepareModel(source, { block, out: join(folder, `${file}-${block}`) });
    const alone = await rawRows(directory, 1);
    const together = await rawRows(directory, 17);
    const error = worstError(alone, (row) => goldenValue(block, row));
    expect(error).toBeLessThan(tolerance);
    // Neighbours and padding change nothing, whatever the quantisation.
    for (const [i, row] of alone.entries()) {
      for (const [column, value] of row.entries())
        expect(Math.abs(value - (together[i]?.[column] as number))).toBeLessThan(1e-5);
    }
  });

  test('says whether its scales depend on the batch', async () => {
    const out = join(folder, `${file}-told`);
    const prepared = await runCommand(['model', 'prepare', source, '--block', '1', '--out', out]);
    expect(prepared.code).toBe(0);
    const { description } = await modelInfo(out);
    expect(description.encoder.batchDependent ?? false).toBe(batchDependent);
    const info = await runCommand(['model', 'info', out]);
    for (const { stderr } of [prepared, info]) expect(stderr.includes('batch mates')).toBe(batchDependent);
  });
});

test('--dtype names the graph', async () => {
  const source = graphFolder('stories260k-quantised');
  for (const [dtype, file] of [
    ['fp16', 'model_fp16.onnx'],
    ['q8', 'model_quantized.onnx'],
    ['q4', 'model_q4.onnx'],
  ] as const) {
    const [byType, byName] = [join(folder, `type-${dtype}`), join(folder, `name-${dtype}`)];
    await prepareModel(source, { block: 1, dtype, out: byType });
    await prepareModel(join(source, 'onnx', file), { block: 1, out: byName });
    expect((await modelInfo(byType)).fingerprint).toBe((await modelInfo(byName)).fingerprint);
  }
  await expect(prepareModel(source, { block: 1, out: join(folder, 'none') })).rejects.toMatchObject({
    code: 'MODEL_SOURCE_INCOMPLETE',
    message: expect.stringContaining('model_q4.onnx'),
  });
});
