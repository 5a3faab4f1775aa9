import { checkOptions } from './check-options.js';
import { findBlocks } from './model/blocks/find-blocks.js';
import type { Block } from './model/blocks/tap.js';
import { isBatchDependent } from './model/is-batch-dependent.js';
import { type ModelCost, modelCost } from './model/model-cost.js';
import { elementType } from './model/onnx/element-type.js';
import { type ModelSourceOptions, openModelSource } from './model-source.js';

/** What an uncut model offers as taps. */
export interface ModelInspection {
  /** Absolute path of the graph. */
  readonly file: string;
  readonly modelType: string;
  /** Operator sets: domain ("" for ONNX's own) and version. */
  readonly operatorSets: readonly { readonly domain: string; readonly version: number }[];
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly shape: readonly (number | string)[] | null;
  }[];
  readonly cost: ModelCost;
  /** True where its quantisation takes scales over a whole batch: see `ModelDescription`. */
  readonly batchDependent: boolean;
  readonly blocks: readonly Block[];
}

/**
 * Lists the blocks of an uncut ONNX model and the tensors of their sub-layers; no weight is read.
 *
 * @throws NerRetrieverError MODEL_SOURCE_INCOMPLETE, MODEL_GRAPH_BROKEN, MODEL_WEIGHTS_MISSING.
 */
export async function inspectModel(source: string, options: ModelSourceOptions = {}): Promise<ModelInspection> {
  checkOptions('inspectModel', options, ['dtype', 'revision', 'signal', 'onDownload']);
  const { folder, model, view } = await openModelSource(source, options);
  const { graph: file, config } = folder;
  return {
    file,
    modelType: config.modelType,
    operatorSets: [...model.operatorSets].map(([domain, version]) => ({ domain, version })),
    inputs: view.graph.inputs.map(({ name, dataType, shape }) => ({
      name,
      type: elementType(dataType) ?? `type ${dataType}`,
      shape,
    })),
    cost: modelCost(view),
    batchDependent: isBatchDependent(view.graph.nodes),
    blocks: findBlocks(view),
  };
}
