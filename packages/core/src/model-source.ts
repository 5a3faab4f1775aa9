import { highestTokenId } from './encoder/highest-token-id.js';
import { NerRetrieverError } from './errors.js';
import { embeddingRows, findTokenInput } from './model/cut/token-input.js';
import { GraphView } from './model/onnx/graph-view.js';
import type { OnnxModel } from './model/onnx/onnx-model.js';
import { openOnnx } from './model/open-onnx.js';
import { openSourceFolder, type SourceFolder, type SourceType } from './model/source-folder.js';

/** An uncut model that can be cut: its folder and its graph, whose weights are not read yet. */
export interface ModelSource {
  readonly folder: SourceFolder;
  readonly model: OnnxModel;
  readonly view: GraphView;
}

/**
 * Opens an uncut model, and checks that its tokenizer belongs to it.
 *
 * @throws NerRetrieverError MODEL_SOURCE_INCOMPLETE, MODEL_GRAPH_BROKEN, MODEL_WEIGHTS_MISSING, MODEL_INPUT_UNKNOWN, MODEL_TOKENIZER_MISMATCH.
 */
export async function openModelSource(source: string, type: SourceType | undefined): Promise<ModelSource> {
  const folder = await openSourceFolder(source, type);
  const model = openOnnx(folder.graph);
  const view = new GraphView(model);
  const rows = embeddingRows(view, findTokenInput(view, folder.graph));
  const highest = highestTokenId(folder.tokenizer);
  if (rows !== null && highest >= rows) {
    const { tokenizer: file } = folder;
    throw new NerRetrieverError('MODEL_TOKENIZER_MISMATCH', { file, expected: rows, received: highest });
  }
  return { folder, model, view };
}
