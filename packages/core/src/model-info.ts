import { type ModelCost, modelCost } from './model/model-cost.js';
import type { ModelDescription } from './model/model-description.js';
import { openModelFolder } from './model/model-folder.js';
import { GraphView } from './model/onnx/graph-view.js';
import { openOnnx } from './model/open-onnx.js';

/** What a model folder holds and costs. */
export interface ModelInfo {
  /** Absolute path. */
  readonly directory: string;
  readonly description: ModelDescription;
  readonly fingerprint: string;
  /** All files that model.json lists. */
  readonly bytes: number;
  readonly cost: ModelCost;
}

/** @throws NerRetrieverError MODEL_… where the folder or a file of it is not what it should be. */
export async function modelInfo(directory: string): Promise<ModelInfo> {
  const model = await openModelFolder(directory);
  const { description, fingerprint } = model;
  const bytes = Object.values(description.files).reduce((sum, file) => sum + file.bytes, 0);
  const cost = modelCost(new GraphView(openOnnx(model.path(description.encoder.file))));
  return { directory: model.directory, description, fingerprint, bytes, cost };
}
