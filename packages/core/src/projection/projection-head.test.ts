import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ProjectionHead } from './projection-head.js';
import { readNpz } from './read-npz.js';
import { readPytorch } from './read-pytorch.js';
import { readSafetensors } from './read-safetensors.js';

const repository = resolve(fileURLToPath(import.meta.url), '../../../../..');
const heads = join(repository, 'test/golden/heads');
/** The published head lies beside the repository where the data does. */
const published = join(
  process.env.NER_RETRIEVER_DATA ?? join(repository, '../shared/data'),
  'reference-head/contrastive_projection_head.pth',
);

function matrixOf(rows: readonly (readonly number[])[]) {
  return { rows: rows.length, columns: rows[0]?.length ?? 0, data: Float32Array.from(rows.flat()) };
}

function greatestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

describe('ProjectionHead', () => {
  test.each(['head.safetensors', 'head.pth', 'view.pth', 'legacy.pth', 'head.npz'])(
    '%s agrees with float64',
    async (name) => {
      const { rows, expected } = JSON.parse(await readFile(join(heads, 'head.json'), 'utf8'));
      const head = await ProjectionHead.load(join(heads, name));
      expect([head.inputDimensions, head.outputDimensions]).toEqual([8, 4]);
      const projected = await head.project(matrixOf(rows));
      expect([projected.rows, projected.columns]).toEqual([7, 4]);
      expect(greatestDifference(projected.data, expected.flat())).toBeLessThan(1e-6);
    },
  );

  test('a gate multiplies the inputs, also after the head was saved again', async () => {
    const { rows, gated } = JSON.parse(await readFile(join(heads, 'head.json'), 'utf8'));
    const head = await ProjectionHead.load(join(heads, 'gated.safetensors'));
    expect(greatestDifference((await head.project(matrixOf(rows))).data, gated.flat())).toBeLessThan(1e-6);
    const folder = await mkdtemp(join(tmpdir(), 'ner-retriever-head-'));
    await head.save(join(folder, 'again.safetensors'));
    const [one, other] = await Promise.all([
      readFile(join(heads, 'gated.safetensors')),
      readFile(join(folder, 'again.safetensors')),
    ]);
    expect(readSafetensors(other, 'again')).toEqual(readSafetensors(one, 'gated'));
    await rm(folder, { recursive: true });
    await expect(head.save(join(folder, 'none', 'x.safetensors'))).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
  });

  test('the published head agrees with float64', async ({ skip }) => {
    skip(!existsSync(published), 'the published head is not on this machine (NER_RETRIEVER_DATA)');
    const head = await ProjectionHead.load(published);
    expect([head.inputDimensions, head.outputDimensions]).toEqual([1024, 500]);
    const rows = 5;
    // Values of the size that a value projection gives.
    const data = Float32Array.from({ length: rows * 1024 }, (_, i) => Math.sin(i * 12.9898) * 2);
    const projected = await head.project({ rows, columns: 1024, data });
    const tensors = readPytorch(await readFile(published), published);
    const weights = ['net.0.weight', 'net.0.bias', 'net.3.weight', 'net.3.bias'].map((name) => tensors.get(name)?.data);
    const expected = float64(data, rows, weights as Float32Array[]);
    expect(greatestDifference(projected.data, expected)).toBeLessThan(1e-5);
  });

  test('refuses rows of another width', async () => {
    const head = await ProjectionHead.load(join(heads, 'head.pth'));
    await expect(head.project(matrixOf([[1, 2, 3]]))).rejects.toMatchObject({
      code: 'DIMENSIONS_DIFFER',
      message: expect.stringContaining('Expected 8 dimensions'),
    });
  });

  test('names a file that is not there', async () => {
    await expect(ProjectionHead.load(join(heads, 'none.pth'))).rejects.toMatchObject({ code: 'HEAD_UNREADABLE' });
  });
});

describe('a hostile or strange file', () => {
  const reasons: Record<string, RegExp> = {
    'refused-call.pth': /_rebuild_qtensor.*not run/,
    'refused-checkpoint.pth': /"state_dict" is no tensor|"epoch" is no tensor/,
    'refused-compressed.npz': /compressed entry/,
    'refused-compressed.pth': /compressed entry/,
    'refused-double.npz': /save it as float32/,
    'refused-eval-2.pth': /"__builtin__\.eval".*not run/,
    'refused-eval-4.pth': /protocol 4/,
    'refused-half.pth': /torch\.HalfStorage.*float32/,
    'refused-legacy-lying-storage.pth': /storage of \d+ bytes where \d+ are left/,
    'refused-legacy-os-system.pth': /"posix\.system".*not run/,
    'refused-lying-shape.pth': /outside its storage of 40/,
    'refused-lying-storage.pth': /storage of 160 bytes.*200 float32/,
    'refused-os-system-2.pth': /"posix\.system".*not run/,
    'refused-os-system-4.pth': /protocol 4/,
  };

  test('each has its reason here', async () => {
    const files = (await readdir(heads)).filter((name) => name.startsWith('refused-'));
    expect(files.sort()).toEqual(Object.keys(reasons));
  });

  test.each(Object.entries(reasons))('%s is refused', async (name, reason) => {
    const refused = ProjectionHead.load(join(heads, name));
    await expect(refused).rejects.toMatchObject({ code: 'HEAD_UNREADABLE', message: expect.stringMatching(reason) });
    await expect(stat('pickle-was-run')).rejects.toThrow();
  });

  test.each([
    ['head.pth', readPytorch],
    ['legacy.pth', readPytorch],
    ['head.npz', readNpz],
    ['head.safetensors', readSafetensors],
  ] as const)(
    '%s cut off at any byte, or with any byte changed, never brings down more than its own reading',
    async (name, read) => {
      const whole = await readFile(join(heads, name));
      for (let length = 0; length < whole.length; length++) {
        expect(() => read(whole.subarray(0, length), name), `${length} bytes`).toThrow(
          expect.objectContaining({ code: 'HEAD_UNREADABLE' }),
        );
      }
      for (let at = 0; at < whole.length; at++) {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] as number) ^ 0xff;
        try {
          read(changed, name);
        } catch (error) {
          expect(error, `byte ${at}`).toMatchObject({ code: 'HEAD_UNREADABLE' });
        }
      }
    },
  );
});

/** Linear, SiLU, Linear, L2, in float64. */
function float64(data: Float32Array, rows: number, [w0, b0, w3, b3]: readonly Float32Array[]): number[] {
  const columns = data.length / rows;
  const linear = (input: readonly number[], weight: Float32Array, bias: Float32Array) =>
    Array.from(bias, (b, i) => input.reduce((sum, x, k) => sum + x * (weight[i * input.length + k] as number), b));
  return Array.from({ length: rows }, (_, r) => {
    const input = Array.from(data.subarray(r * columns, (r + 1) * columns));
    const hidden = linear(input, w0 as Float32Array, b0 as Float32Array).map((x) => x / (1 + Math.exp(-x)));
    const out = linear(hidden, w3 as Float32Array, b3 as Float32Array);
    const norm = Math.hypot(...out);
    return out.map((x) => x / norm);
  }).flat();
}
