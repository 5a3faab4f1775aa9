import { availableParallelism, cpus, totalmem } from 'node:os';
import process from 'node:process';
import { formatBytes } from '../terminal/format.js';
import { importAsCore } from './core-require.js';
import { cudaFindings } from './cuda-findings.js';
import type { Finding } from './finding.js';

const reinstall = 'Install again without leaving out optional packages: npm install @ner-retriever/cli';

/** Looks at everything that the software needs or can use, the model last, because it needs all the rest. */
export async function* findings(): AsyncGenerator<Finding> {
  yield node();
  yield machine();
  const addon = await native();
  yield* addon;
  yield await look('ONNX Runtime', async () => {
    const { default: runtime } = await importAsCore<{ default: { env: { versions: { node?: string } } } }>(
      'onnxruntime-node',
    );
    return `onnxruntime-node ${runtime.env.versions.node ?? '(version unknown)'}`;
  });
  yield await look('tokenizers', async () => {
    await importAsCore('tokenizers');
    return 'loaded';
  });
  yield await look('SQLite', sqlite);
  if (addon[0]?.state === 'broken') return;
  yield* cudaFindings();
  yield await look(
    'bundled model',
    bundledModel,
    'Install @ner-retriever/model-en again; its files must be as they were published.',
  );
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const says = `${process.version} (${process.execPath})`;
  if (major > 20 || (major === 20 && minor >= 19)) return { subject: 'Node.js', state: 'ok', says };
  return { subject: 'Node.js', state: 'broken', says, remedy: 'Use Node.js 20.19 or later.' };
}

function machine(): Finding {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return {
    subject: 'machine',
    state: 'ok',
    says: `${process.platform} ${process.arch}, ${availableParallelism()} cores (${model}), ${formatBytes(totalmem())} of memory`,
  };
}

interface OptionalLibrary {
  readonly available: boolean;
  readonly version: string | null;
  readonly reason: string | null;
}

interface NativeInfo {
  readonly instructionSets: readonly string[];
  readonly instructionSet: string;
  readonly faiss: OptionalLibrary;
  readonly openblas: OptionalLibrary;
}

/** The addon and what it found; its own message says what to do where it does not load. */
async function native(): Promise<Finding[]> {
  let info: NativeInfo;
  try {
    info = (await importAsCore<{ info(): NativeInfo }>('@ner-retriever/native')).info();
  } catch (error) {
    return [{ subject: 'native addon', state: 'broken', says: (error as Error).message }];
  }
  const { instructionSet, instructionSets, faiss, openblas } = info;
  const has = `computes with ${instructionSet} (this processor has ${instructionSets.join(', ')})`;
  return [
    { subject: 'native addon', state: 'ok', says: `loaded; ${has}` },
    optional('FAISS', faiss, 'exact search works without'),
    optional('OpenBLAS', openblas, 'heads are trained without'),
  ];
}

function optional(subject: string, { available, version, reason }: OptionalLibrary, without: string): Finding {
  if (available) return { subject, state: 'ok', says: version ?? 'loaded' };
  return { subject, state: 'absent', says: `not needed: ${without}. ${reason ?? ''}`.trim() };
}

async function sqlite(): Promise<string> {
  const { default: Database } = await importAsCore<{ default: SqliteConstructor }>('libsql');
  const database = new Database(':memory:');
  try {
    database.exec('CREATE VIRTUAL TABLE texts USING fts5(text)');
    const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
    return `libsql, SQLite ${version} with full-text search`;
  } finally {
    database.close();
  }
}

/** The part of libsql that is used here. */
type SqliteConstructor = new (
  file: string,
) => { exec(sql: string): void; prepare(sql: string): { get(): unknown }; close(): void };

/** Checks the files and asks the model for one vector: everything on the way to it works, then. */
async function bundledModel(): Promise<string> {
  const { Embedder } = await import('@ner-retriever/core');
  await using embedder = await Embedder.open(undefined, { workers: 1, device: 'cpu' });
  const { description, fingerprint } = embedder.model;
  const bytes = Object.values(description.files).reduce((sum, file) => sum + file.bytes, 0);
  const { columns } = await embedder.embedTypes(['dinosaur']);
  return `${description.name} ${description.version}, ${Object.keys(description.files).length} files, ${formatBytes(bytes)}, ${columns} dimensions, ${fingerprint}`;
}

async function look(subject: string, works: () => Promise<string>, remedy = reinstall): Promise<Finding> {
  try {
    return { subject, state: 'ok', says: await works() };
  } catch (error) {
    return { subject, state: 'broken', says: (error as Error).message, remedy };
  }
}
