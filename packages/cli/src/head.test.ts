import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { binary, runCommand } from '../test-support/run-command.js';
import { tinyModel, workspace } from '../test-support/workspace.js';

const files = workspace();
const heads = fileURLToPath(new URL('../../../test/golden/heads/', import.meta.url));
const words = {
  food: ['apple', 'bread'],
  tool: ['hammer', 'saw'],
  animal: ['otter', 'heron'],
  place: ['Rome', 'Oslo'],
};

function labelled(): Promise<string> {
  const documents = Object.entries(words).flatMap(([type, names]) =>
    Array.from({ length: 20 }, (_, i) => {
      const name = names[i % 2] as string;
      const text = `In sentence ${i} stood ${name} alone.`;
      const start = text.indexOf(name);
      return { id: `${type} ${i}`, text, mentions: [{ start, end: start + name.length, types: [type] }] };
    }),
  );
  return files.lines('labelled.jsonl', documents);
}

const smallHead = ['--model', tinyModel, '--hidden', '16', '--dimensions', '8'];

describe('head train', () => {
  test('writes a head that a model takes, its checkpoint gone, and says what it came to', async () => {
    const out = files.path('head.safetensors');
    const train = ['head', 'train', 'jsonl', await labelled(), '--out', out, ...smallHead, '--epochs', '3', '--gate'];
    const { code, stdout, stderr } = await runCommand([...train, '--cache', files.path('taps')]);
    expect(stderr).toMatch(/head\.safetensors: 32 to 16 to 8 dimensions, 696 parameters, with a gate/);
    expect(stderr).toMatch(/trained on 3 types, 60 examples; epoch \d of 3 in \d:\d\d/);
    expect(stderr).toMatch(/R-Precision on 1 held-out type: \d\.\d{3} \(\d\.\d{3} without a head\)/);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    await expect(stat(`${out}.checkpoint`)).rejects.toMatchObject({ code: 'ENOENT' });

    const again = await runCommand([...train, '--cache', files.path('taps'), '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({
      file: out,
      inputDimensions: 32,
      outputDimensions: 8,
      gate: true,
      trainedTypes: 3,
      epochs: [{ epoch: 1 }, { epoch: 2 }, { epoch: 3 }],
    });
    const model = files.path('model');
    const applied = await runCommand(['head', 'apply', out, '--model', tinyModel, '--out', model]);
    expect(applied).toMatchObject({ code: 0, stderr: `${model}: tiny-random with this head, 8 dimensions\n` });
    const info = await runCommand(['head', 'info', out]);
    expect(info.stdout).toMatch(
      /^gate +on 32 inputs\nlayer 1 +32 to 16, SiLU\nlayer 2 +16 to 8, L2\nparameters +696$/m,
    );
  });

  test('interrupted, goes on from its checkpoint to the same head', async () => {
    const file = await labelled();
    const out = files.path('straight.safetensors');
    // Enough epochs that the interruption falls among them; none is held out, so that all are run.
    const rest = [...smallHead, '--epochs', '600', '--batch-size', '8', '--held-out', '0'];
    expect((await runCommand(['head', 'train', 'jsonl', file, '--out', out, ...rest])).code).toBe(0);

    const resumed = files.path('resumed.safetensors');
    const command = ['head', 'train', 'jsonl', file, '--out', resumed, ...rest];
    const child = spawn(process.execPath, [binary, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (piece) => {
      stderr += piece;
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    for (;;) {
      if (await stat(`${resumed}.checkpoint`).catch(() => null)) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(stderr).toMatch(/The same command goes on from .*resumed\.safetensors\.checkpoint/);

    const finished = await runCommand(command);
    expect(finished.code).toBe(0);
    expect(finished.stderr).toMatch(/Going on from .*checkpoint, epoch \d+/);
    expect(await readFile(resumed)).toEqual(await readFile(out));
  });

  test.each([
    [['head'], /Expected train, import, apply, info, but received nothing/],
    [['head', 'trian'], /did you mean train\?/],
    [['head', 'train'], /a data set \(multiconer2, fewnerd, neretrieve, conll, jsonl\), but received none/],
    [['head', 'train', 'json', 'a.jsonl'], /did you mean "jsonl"\?/],
    [['head', 'train', 'jsonl', '--out', 'x.safetensors'], /the files of jsonl/],
    [['head', 'train', 'jsonl', 'a.jsonl'], /Expected --out/],
    [['head', 'train', 'jsonl', 'a.jsonl', '--out', 'x.pth'], /--out FILE\.safetensors/],
    [['head', 'train', 'jsonl', 'a.jsonl', '--out', 'x.safetensors', '--loss', 'hinge'], /triplet or info-nce/],
    [['head', 'apply', 'a.safetensors'], /Expected --out/],
    [['head', 'info'], /one FILE, but received none/],
    [['head', 'import', 'a', 'b'], /one FILE, but received 2/],
  ])('%j is wrong usage', async (line, message) => {
    expect(await runCommand(line)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  });

  test('says what is wrong before any work', async () => {
    const file = await labelled();
    const train = (...more: string[]) => runCommand(['head', 'train', 'jsonl', file, '--model', tinyModel, ...more]);
    const nowhere = await train('--out', files.path('none/head.safetensors'));
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('Cannot write') });
    const share = await train('--out', files.path('x.safetensors'), '--held-out', '1.5');
    expect(share).toMatchObject({ code: 2, stderr: expect.stringMatching(/share from 0 to below 1 for heldOutTypes/) });
  });
});

describe('head import', () => {
  test.each(['head.pth', 'legacy.pth', 'head.npz', 'head.safetensors'])('%s', async (name) => {
    const out = files.path(`${name}.safetensors`);
    const { code, stderr } = await runCommand(['head', 'import', `${heads}${name}`, '--out', out]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${out}: 8 to 5 to 4 dimensions, 69 parameters\n` });
    const { stdout } = await runCommand(['head', 'info', out, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ gate: false, parameters: 69, layers: [{ outputDimensions: 5 }, {}] });
  });

  test('refuses a pickle that calls something, and writes nothing', async () => {
    const out = files.path('refused.safetensors');
    const { code, stderr } = await runCommand(['head', 'import', `${heads}refused-os-system-2.pth`, '--out', out]);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('it was not run') });
    await expect(stat(out)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
