import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkGraph, triedColumns } from './encoder/check-graph.js';
import { NerRetrieverError } from './errors.js';
import type { Tap } from './model/blocks/tap.js';
import { cutGraph, tapOutput } from './model/cut/cut-graph.js';
import { modelParts } from './model/cut/model-parts.js';
import { lengthOf, type Part } from './model/cut/part.js';
import { placeWeights } from './model/cut/place-weights.js';
import { weightlessModel } from './model/cut/weightless-model.js';
import { writeParts } from './model/cut/write-parts.js';
import { isBatchDependent } from './model/is-batch-dependent.js';
import type { ModelDescription } from './model/model-description.js';
import { checkFree, type FileFacts, fileFacts, makeModelFolder } from './model/new-model-folder.js';
import type { ModelSource } from './model-source.js';
import type { LinearLayer } from './projection/head-layers.js';
import { writeHead } from './projection/write-head.js';

export interface WriteProgress {
  readonly writtenBytes: number;
  readonly totalBytes: number;
}

export interface ModelFolderOptions {
  /** Absolute path of the folder to make; missing or empty. */
  readonly directory: string;
  readonly name: string;
  /** What model.json says of the tap: its columns are found out. */
  readonly block: number;
  readonly tensor: string;
  readonly head: readonly LinearLayer[] | null;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
}

/** Longer windows cost memory and time, and say little more about a mention. */
const LONGEST_WINDOW = 512;

/** Weights up to this size are tried on a word before the folder is called done: ONNX Runtime takes up to four times as much memory for them. */
const TRIED_BYTES = 2 ** 27;

const encoderName = 'encoder.onnx';
const dataName = 'encoder.onnx.data';
const tokenizerName = 'tokenizer.json';
const headName = 'head.safetensors';

/**
 * Cuts a model at its taps (the columns of several side by side) and writes what is left as a model folder: whole, or not at all.
 *
 * @throws NerRetrieverError MODEL_FOLDER_TAKEN, MODEL_INPUT_UNKNOWN, MODEL_GRAPH_REFUSED, MODEL_TAP_UNUSABLE, MODEL_WEIGHTS_MISSING, DIMENSIONS_DIFFER.
 */
export async function writeModelFolder(
  source: ModelSource,
  taps: readonly Tap[],
  options: ModelFolderOptions,
): Promise<{ readonly description: ModelDescription; readonly keptWeightBytes: number }> {
  const { directory, head, signal } = options;
  const { folder, model, view } = source;
  await checkFree(directory);
  const cut = cutGraph(model, view, taps, { heads: folder.config.cacheHeads, width: folder.config.cacheWidth });
  const [{ tensor }] = taps as [Tap];
  const shape = await checkGraph(await weightlessModel(model, cut, tensor), folder.graph, tensor);
  checkRank(folder.graph, tensor, shape);
  const known = sum(taps.map(({ dimensions }) => dimensions)) ?? columnsIn(taps, shape);
  checkHead(head, known);
  signal?.throwIfAborted();

  return makeModelFolder(directory, async (unfinished) => {
    const weights = await placeWeights(model, cut.weights, dataName);
    const graph = modelParts(model, cut, [...cut.tensors, ...weights.tensors]);
    const write = progressOf(lengthOf(graph) + lengthOf(weights.data), unfinished, options);
    const files = new Map([[encoderName, await write(encoderName, graph)]]);
    if (weights.data.length > 0) files.set(dataName, await write(dataName, weights.data));
    await copyFile(folder.tokenizer, join(unfinished, tokenizerName));
    files.set(tokenizerName, await fileFacts(join(unfinished, tokenizerName)));
    if (head !== null) {
      await writeHead(join(unfinished, headName), head);
      files.set(headName, await fileFacts(join(unfinished, headName)));
    }
    const small = weights.bytes <= TRIED_BYTES;
    const tried = small ? await triedColumns(join(unfinished, encoderName), folder.graph, [3, 4]) : [];
    const dimensions = tapDimensions(folder.graph, options.tensor, known, tried);
    checkHead(head, dimensions);
    const description = describe(source, options, { dimensions, batchDependent: isBatchDependent(cut.nodes), files });
    await writeFile(join(unfinished, 'model.json'), `${JSON.stringify(description, null, 2)}\n`);
    return { description, keptWeightBytes: weights.bytes };
  });
}

/** Null where one of them is not known. */
function sum(sizes: readonly (number | null)[]): number | null {
  return sizes.reduce((all, size) => (all === null || size === null ? null : all + size), 0);
}

function checkHead(head: readonly LinearLayer[] | null, dimensions: number | null): void {
  const received = head?.[0]?.inputDimensions;
  if (received === undefined || dimensions === null || received === dimensions) return;
  throw new NerRetrieverError('DIMENSIONS_DIFFER', {
    of: 'the input of the projection head',
    expected: dimensions,
    received,
  });
}

/** Writes parts to a file of the folder, and tells how far all of it is. */
function progressOf(totalBytes: number, directory: string, { signal, onProgress }: ModelFolderOptions) {
  let writtenBytes = 0;
  return (name: string, parts: readonly Part[]): Promise<FileFacts> =>
    writeParts(join(directory, name), parts, (bytes) => {
      signal?.throwIfAborted();
      writtenBytes += bytes;
      onProgress?.({ writtenBytes, totalBytes });
    });
}

/** A tap has one row a token: [batch, tokens, dimensions], or [batch × tokens, dimensions]. */
function checkRank(file: string, tensor: string, shape: readonly unknown[] | null): void {
  if (shape === null || shape.length === 3 || shape.length === 2) return;
  throw new NerRetrieverError('MODEL_TAP_UNUSABLE', { file, tensor, received: `a tensor of ${shape.length} axes` });
}

/** Columns of the one tap that is a tensor as it stands, by its shape; null where they cannot be told. */
function columnsIn([tap, ...others]: readonly Tap[], shape: readonly (number | string)[] | null): number | null {
  const columns = shape?.at(-1);
  return others.length === 0 && tap?.columns === undefined && typeof columns === 'number' ? columns : null;
}

/** Columns of the tap, as the graph's weights say and a trial run shows. */
function tapDimensions(file: string, tensor: string, known: number | null, tried: readonly number[]): number {
  const unusable = (received: string) => new NerRetrieverError('MODEL_TAP_UNUSABLE', { file, tensor, received });
  if (new Set(tried).size > 1) throw unusable(`${tried.join(' and ')} columns for texts of two lengths`);
  const columns = tried[0] ?? known;
  if (columns === null) throw unusable('a tensor whose columns the graph does not tell');
  if (known !== null && columns !== known) throw unusable(`${columns} columns where its weights have ${known}`);
  return columns;
}

function describe(
  { folder: { config, tokenizerLimit } }: ModelSource,
  { name, block, tensor, head }: ModelFolderOptions,
  {
    dimensions,
    batchDependent,
    files,
  }: {
    readonly dimensions: number;
    readonly batchDependent: boolean;
    readonly files: ReadonlyMap<string, FileFacts>;
  },
): ModelDescription {
  return {
    format: 1,
    name,
    version: '1',
    license: 'unknown',
    language: 'unknown',
    encoder: {
      file: encoderName,
      outputs: { tap: tapOutput, detector: null },
      ...(files.has(dataName) && { data: [dataName] }),
      ...(batchDependent && { batchDependent }),
    },
    tap: { block, tensor, dimensions },
    pooling: 'last',
    maximumTokens: Math.min(
      LONGEST_WINDOW,
      config.maximumPositions ?? LONGEST_WINDOW,
      tokenizerLimit ?? LONGEST_WINDOW,
    ),
    padding: { id: config.paddingId },
    tokenizer: tokenizerName,
    head: head === null ? null : headName,
    dimensions: head?.at(-1)?.outputDimensions ?? dimensions,
    detector: null,
    files: Object.fromEntries(files),
  };
}
