/** What prepares and looks into model folders: `@ner-retriever/core/model`. */
export { inspectModel, type ModelInspection } from './inspect-model.js';
export { type Block, type Tap, type TapKind, tapKinds } from './model/blocks/tap.js';
export type { ModelCost } from './model/model-cost.js';
export { type ModelDtype, modelDtypes } from './model/onnx-export.js';
export { type ModelInfo, modelInfo } from './model-info.js';
export type { ModelSourceOptions } from './model-source.js';
export { type ModelWithHeadOptions, modelWithHead } from './model-with-head.js';
export { type PreparedModel, type PrepareModelOptions, prepareModel } from './prepare-model.js';
export type { WriteProgress } from './write-model-folder.js';
