import { resolve } from 'node:path';
import { checkOption, checkOptions } from './check-options.js';
import { type TapKind, tapKinds } from './model/blocks/tap.js';
import { chooseTap } from './model/choose-tap.js';
import type { ModelDescription } from './model/model-description.js';
import { tensorBytes } from './model/onnx/element-type.js';
import type { GraphView } from './model/onnx/graph-view.js';
import { modelDtypes } from './model/onnx-export.js';
import { type ModelSourceOptions, openModelSource } from './model-source.js';
import { readHead } from './projection/read-projection.js';
import { type WriteProgress, writeModelFolder } from './write-model-folder.js';

export interface PrepareModelOptions extends ModelSourceOptions {
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
  /** What the model is called in reports. Default: the source's own name with the tap's. */
  readonly name?: string;
  readonly onProgress?: (progress: WriteProgress) => void;
}

export interface PreparedModel {
  /** Absolute path of the model folder. */
  readonly directory: string;
  readonly description: ModelDescription;
  /** Weights of the source, and those that were read and kept. */
  readonly sourceWeightBytes: number;
  readonly keptWeightBytes: number;
  /** Why the hub was not asked whether there is a newer one; null where it was, or the source is a folder. */
  readonly note: string | null;
}

/**
 * Makes a model folder of any transformer with an ONNX export: cuts the graph at a sub-layer of a block, and writes what is left
 * with the weights that it still needs. Weights are streamed: a model of any size is cut in little memory.
 *
 *     await prepareModel('Llama-3.1-8B-ONNX', { block: 17, head: 'contrastive_projection_head.pth', out: 'llama-17' });
 *
 * @param source A folder (`onnx/model*.onnx` or `model*.onnx`, config.json, tokenizer.json), an .onnx file in one, or a Hugging Face id
 * @throws NerRetrieverError OPTION_…, MODEL_SOURCE_INCOMPLETE, MODEL_GRAPH_…, MODEL_WEIGHTS_MISSING, MODEL_INPUT_UNKNOWN,
 *   MODEL_BLOCK_MISSING, MODEL_TAP_…, MODEL_TENSOR_MISSING, MODEL_TOKENIZER_MISMATCH, MODEL_FOLDER_TAKEN, HEAD_UNREADABLE, DIMENSIONS_DIFFER;
 *   for ids HUB_…, MODEL_NOT_EXPORTED, MODEL_DTYPE_MISSING, MODEL_ALREADY_PREPARED
 */
export async function prepareModel(source: string, options: PrepareModelOptions): Promise<PreparedModel> {
  checkPrepareOptions(source, options);
  const { block, tap: kind = 'value', tapTensor, signal, onProgress } = options;
  const directory = resolve(options.out);
  const head = options.head === undefined ? null : await readHead(options.head);
  const opened = await openModelSource(source, options);
  const { folder, view } = opened;
  const tap = chooseTap(view, folder.graph, { block, kind, tensor: tapTensor });
  const name = options.name ?? `${opened.name} block ${block} ${kind}`;
  const tensor = tapTensor ?? kind;
  const written = await writeModelFolder(opened, [tap], { directory, name, block, tensor, head, signal, onProgress });
  return { directory, ...written, sourceWeightBytes: weightBytes(view), note: opened.note };
}

function checkPrepareOptions(source: string, options: PrepareModelOptions): void {
  checkOption(typeof source === 'string' && source !== '', 'the source', 'a folder or an .onnx file', source);
  const known = [
    'block',
    'tap',
    'tapTensor',
    'head',
    'out',
    'dtype',
    'revision',
    'name',
    'signal',
    'onDownload',
    'onProgress',
  ];
  checkOptions('prepareModel', options, known);
  const { block, tap, dtype, out } = options;
  checkOption(Number.isSafeInteger(block) && block >= 0, 'block', 'a whole number from 0', block);
  checkOption(tap === undefined || tapKinds.includes(tap), 'tap', tapKinds.join(', '), tap);
  checkOption(dtype === undefined || modelDtypes.includes(dtype), 'dtype', modelDtypes.join(', '), dtype);
  checkOption(typeof out === 'string' && out !== '', 'out', 'the path of a folder', out);
}

/** Bytes of all weights of a graph, as far as they lie in a file of weights or as raw values in the graph. */
function weightBytes({ graph }: GraphView): number {
  return [...graph.initializers.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
}
