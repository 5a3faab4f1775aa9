import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { checkOption, checkOptions } from './check-options.js';
import { checkGraph, triedColumns } from './encoder/check-graph.js';
import { highestTokenId } from './encoder/highest-token-id.js';
import { NerRetrieverError } from './errors.js';
import { type Tap, type TapKind, tapKinds } from './model/blocks/tap.js';
import { chooseTap } from './model/choose-tap.js';
import { cutGraph, tapOutput } from './model/cut/cut-graph.js';
import { modelParts } from './model/cut/model-parts.js';
import { lengthOf, type Part } from './model/cut/part.js';
import { placeWeights } from './model/cut/place-weights.js';
import { embeddingRows, findTokenInput } from './model/cut/token-input.js';
import { weightlessModel } from './model/cut/weightless-model.js';
import { writeParts } from './model/cut/write-parts.js';
import { isBatchDependent } from './model/is-batch-dependent.js';
import type { ModelDescription } from './model/model-description.js';
import { tensorBytes } from './model/onnx/element-type.js';
import { GraphView } from './model/onnx/graph-view.js';
import { openOnnx } from './model/open-onnx.js';
import { openSourceFolder, type SourceFolder, type SourceType, sourceTypes } from './model/source-folder.js';
import type { LinearLayer } from './projection/head-layers.js';
import { readHead } from './projection/read-projection.js';
import { writeHead } from './projection/write-head.js';

export interface PrepareModelOptions {
  /** The block that is read, counted from 0. */
  readonly block: number;
  /** The sub-layer of the block that is read. Default: `value`. */
  readonly tap?: TapKind;
  /** The tensor that is read, by its name in the graph, where structure alone does not tell it. */
  readonly tapTensor?: string;
  /** A projection head (.safetensors or .pth) that takes the tap's vectors. Default: none, the tap is L2-normalised as it is. */
  readonly head?: string;
  /** The folder to make. */
  readonly out: string;
  /** Which of the source's graphs. Default: float32, or the only one there is. */
  readonly dtype?: SourceType;
  /** What the model is called in reports. Default: the source's own name with the tap's. */
  readonly name?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PrepareProgress) => void;
}

export interface PrepareProgress {
  readonly writtenBytes: number;
  readonly totalBytes: number;
}

export interface PreparedModel {
  /** Absolute path of the model folder. */
  readonly directory: string;
  readonly description: ModelDescription;
  /** Weights of the source, and those that were read and kept. */
  readonly sourceWeightBytes: number;
  readonly keptWeightBytes: number;
}

/** Longer windows cost memory and time, and say little more about a mention. */
const LONGEST_WINDOW = 512;

/** Models up to this size are tried on a word before the folder is called done. */
const TRIED_BYTES = 2 ** 29;

/**
 * Makes a model folder of any transformer with an ONNX export: cuts the graph at a sub-layer of a block, and writes what is left
 * with the weights that it still needs. Weights are streamed: a model of any size is cut in little memory.
 *
 *     await prepareModel('Llama-3.1-8B-ONNX', { block: 17, head: 'contrastive_projection_head.pth', out: 'llama-17' });
 *
 * @param source A folder (`onnx/model*.onnx` or `model*.onnx`, config.json, tokenizer.json), or the .onnx file in it.
 * @throws NerRetrieverError OPTION_…, MODEL_SOURCE_INCOMPLETE, MODEL_GRAPH_…, MODEL_WEIGHTS_MISSING, MODEL_INPUT_UNKNOWN,
 *   MODEL_BLOCK_MISSING, MODEL_TAP_…, MODEL_TENSOR_MISSING, MODEL_TOKENIZER_MISMATCH, MODEL_FOLDER_TAKEN, HEAD_UNREADABLE, DIMENSIONS_DIFFER
 */
export async function prepareModel(source: string, options: PrepareModelOptions): Promise<PreparedModel> {
  checkPrepareOptions(source, options);
  const { block, tap: kind = 'value', tapTensor: tensor, signal } = options;
  const directory = resolve(options.out);
  await checkFree(directory);
  const head = options.head === undefined ? null : await readHead(options.head);
  const folder = await openSourceFolder(source, options.dtype);
  const file = folder.graph;
  const model = openOnnx(file);
  const view = new GraphView(model);
  const tap = chooseTap(view, file, { block, kind, tensor });
  const tokens = findTokenInput(view, file);
  checkTokenizer(folder.tokenizer, embeddingRows(view, tokens));
  const { cacheHeads: heads, cacheWidth: width } = folder.config;
  const cut = cutGraph(model, view, tap, { heads, width });
  checkRank(file, tap, await checkGraph(await weightlessModel(model, cut, tap.tensor), file, tap.tensor));
  signal?.throwIfAborted();

  await mkdir(dirname(directory), { recursive: true });
  const unfinished = await mkdtemp(`${directory}.unfinished-`);
  try {
    const weights = await placeWeights(model, cut.weights, dataName);
    const graph = modelParts(model, cut, [...cut.tensors, ...weights.tensors]);
    const write = progressOf(lengthOf(graph) + lengthOf(weights.data), unfinished, options);
    const files = new Map([[encoderName, await write(encoderName, graph)]]);
    if (weights.data.length > 0) files.set(dataName, await write(dataName, weights.data));
    await copyFile(folder.tokenizer, join(unfinished, tokenizerName));
    files.set(tokenizerName, await measured(join(unfinished, tokenizerName)));
    if (head !== null) {
      await writeHead(join(unfinished, headName), head);
      files.set(headName, await measured(join(unfinished, headName)));
    }
    const small = weights.bytes <= TRIED_BYTES;
    const tried = small ? await triedColumns(join(unfinished, encoderName), file, [3, 4]) : [];
    const dimensions = tapDimensions(file, tap, tried);
    checkHead(head, dimensions);
    const description = describe({
      folder,
      options,
      kind,
      head,
      dimensions,
      batchDependent: isBatchDependent(cut.nodes),
      files,
    });
    await writeFile(join(unfinished, 'model.json'), `${JSON.stringify(description, null, 2)}\n`);
    // An empty folder may be in the place: it was checked to be empty.
    await rmdir(directory).catch(() => {});
    await rename(unfinished, directory);
    return { directory, description, sourceWeightBytes: weightBytes(view), keptWeightBytes: weights.bytes };
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

const encoderName = 'encoder.onnx';
const dataName = 'encoder.onnx.data';
const tokenizerName = 'tokenizer.json';
const headName = 'head.safetensors';

interface FileFacts {
  readonly bytes: number;
  readonly sha256: string;
}

function checkPrepareOptions(source: string, options: PrepareModelOptions): void {
  checkOption(typeof source === 'string' && source !== '', 'the source', 'a folder or an .onnx file', source);
  const known = ['block', 'tap', 'tapTensor', 'head', 'out', 'dtype', 'name', 'signal', 'onProgress'];
  checkOptions('prepareModel', options, known);
  const { block, tap, dtype, out } = options;
  checkOption(Number.isSafeInteger(block) && block >= 0, 'block', 'a whole number from 0', block);
  checkOption(tap === undefined || tapKinds.includes(tap), 'tap', tapKinds.join(', '), tap);
  checkOption(dtype === undefined || sourceTypes.includes(dtype), 'dtype', sourceTypes.join(', '), dtype);
  checkOption(typeof out === 'string' && out !== '', 'out', 'the path of a folder', out);
}

async function checkFree(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? [] : ['a file'],
  );
  if (names.length > 0) throw new NerRetrieverError('MODEL_FOLDER_TAKEN', { directory });
}

function checkTokenizer(file: string, rows: number | null): void {
  const highest = highestTokenId(file);
  if (rows === null || highest < rows) return;
  throw new NerRetrieverError('MODEL_TOKENIZER_MISMATCH', { file, expected: rows, received: highest });
}

function checkHead(head: readonly LinearLayer[] | null, dimensions: number): void {
  const received = head?.[0]?.inputDimensions ?? dimensions;
  if (received === dimensions) return;
  throw new NerRetrieverError('DIMENSIONS_DIFFER', {
    of: 'the input of the projection head',
    expected: dimensions,
    received,
  });
}

/** Writes parts to a file of the folder, and tells how far all of it is. */
function progressOf(totalBytes: number, directory: string, { signal, onProgress }: PrepareModelOptions) {
  let writtenBytes = 0;
  return (name: string, parts: readonly Part[]): Promise<FileFacts> =>
    writeParts(join(directory, name), parts, (bytes) => {
      signal?.throwIfAborted();
      writtenBytes += bytes;
      onProgress?.({ writtenBytes, totalBytes });
    });
}

async function measured(path: string): Promise<FileFacts> {
  const bytes = await readFile(path);
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** A tap has one row a token: [batch, tokens, dimensions], or [batch × tokens, dimensions]. */
function checkRank(file: string, { tensor }: Tap, rank: number | null): void {
  if (rank === null || rank === 3 || rank === 2) return;
  throw new NerRetrieverError('MODEL_TAP_UNUSABLE', { file, tensor, received: `a tensor of ${rank} axes` });
}

/** Columns of the tap, as the graph's weights say and a trial run shows. */
function tapDimensions(file: string, { tensor, dimensions }: Tap, tried: readonly number[]): number {
  const unusable = (received: string) => new NerRetrieverError('MODEL_TAP_UNUSABLE', { file, tensor, received });
  if (new Set(tried).size > 1) throw unusable(`${tried.join(' and ')} columns for texts of two lengths`);
  const columns = tried[0] ?? dimensions;
  if (columns === null) throw unusable('a tensor whose columns the graph does not tell');
  if (dimensions !== null && columns !== dimensions)
    throw unusable(`${columns} columns where its weight has ${dimensions}`);
  return columns;
}

function describe({
  folder,
  options,
  kind,
  head,
  dimensions,
  batchDependent,
  files,
}: {
  readonly folder: SourceFolder;
  readonly options: PrepareModelOptions;
  readonly kind: TapKind;
  readonly head: readonly LinearLayer[] | null;
  readonly dimensions: number;
  readonly batchDependent: boolean;
  readonly files: ReadonlyMap<string, FileFacts>;
}): ModelDescription {
  const { block, tapTensor, name = `${basename(folder.directory)} block ${block} ${kind}` } = options;
  const { maximumPositions, paddingId } = folder.config;
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
    tap: { block, tensor: tapTensor ?? kind, dimensions },
    pooling: 'last',
    maximumTokens: Math.min(
      LONGEST_WINDOW,
      maximumPositions ?? LONGEST_WINDOW,
      folder.tokenizerLimit ?? LONGEST_WINDOW,
    ),
    padding: { id: paddingId },
    tokenizer: tokenizerName,
    head: head === null ? null : headName,
    dimensions: head?.at(-1)?.outputDimensions ?? dimensions,
    detector: null,
    files: Object.fromEntries(files),
  };
}

/** Bytes of all weights of a graph, as far as they lie in a file of weights or as raw values in the graph. */
function weightBytes({ graph }: GraphView): number {
  return [...graph.initializers.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
}
