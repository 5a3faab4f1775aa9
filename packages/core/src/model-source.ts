import { basename, join } from 'node:path';
import { checkOption } from './check-options.js';
import { highestTokenId } from './encoder/highest-token-id.js';
import { NerRetrieverError } from './errors.js';
import { embeddingRows, findTokenInput } from './model/cut/token-input.js';
import { type DownloadOptions, downloadModel } from './model/hub/download-model.js';
import { isHubId } from './model/hub/hub-reference.js';
import { GraphView } from './model/onnx/graph-view.js';
import type { OnnxModel } from './model/onnx/onnx-model.js';
import type { ModelDtype } from './model/onnx-export.js';
import { openOnnx } from './model/open-onnx.js';
import { openSourceFolder, type SourceFolder } from './model/source-folder.js';

export interface ModelSourceOptions {
  /** Which of the source's graphs. Default: float32; of a folder, the only one there is. */
  readonly dtype?: ModelDtype;
  /** Of a Hugging Face id: the branch, tag or commit. Default: main. */
  readonly revision?: string;
  readonly signal?: AbortSignal;
  /** Told how far each file of a Hugging Face id is. */
  readonly onDownload?: NonNullable<DownloadOptions['onProgress']>;
}

/** An uncut model that can be cut: its folder and its graph, whose weights are not read yet. */
export interface ModelSource {
  /** What the model is called: the folder's name, or the Hugging Face id with its commit. */
  readonly name: string;
  /** Why the hub was not asked whether there is a newer one; null where it was, or there is no hub in it. */
  readonly note: string | null;
  readonly folder: SourceFolder;
  readonly model: OnnxModel;
  readonly view: GraphView;
}

/**
 * Opens an uncut model, and checks that its tokenizer belongs to it.
 *
 * @param source a folder, an .onnx file in one, or a Hugging Face id (`owner/name`), which is downloaded into the hub's own cache
 * @throws NerRetrieverError MODEL_SOURCE_INCOMPLETE, MODEL_GRAPH_BROKEN, MODEL_WEIGHTS_MISSING, MODEL_INPUT_UNKNOWN, MODEL_TOKENIZER_MISMATCH;
 *   for ids HUB_…, MODEL_NOT_EXPORTED, MODEL_DTYPE_MISSING
 */
export async function openModelSource(source: string, options: ModelSourceOptions): Promise<ModelSource> {
  const { path, name, note } = await located(source, options);
  const folder = await openSourceFolder(path, options.dtype);
  const model = openOnnx(folder.graph);
  const view = new GraphView(model);
  const rows = embeddingRows(view, findTokenInput(view, folder.graph));
  const highest = highestTokenId(folder.tokenizer);
  if (rows !== null && highest >= rows) {
    const { tokenizer: file } = folder;
    throw new NerRetrieverError('MODEL_TOKENIZER_MISMATCH', { file, expected: rows, received: highest });
  }
  return { name: name ?? basename(folder.directory), note, folder, model, view };
}

/** Where a source lies on this machine. */
async function located(
  source: string,
  { dtype, revision, signal, onDownload }: ModelSourceOptions,
): Promise<{ readonly path: string; readonly name: string | null; readonly note: string | null }> {
  if (!isHubId(source)) {
    checkOption(revision === undefined, 'revision', 'none for a folder', revision);
    return { path: source, name: null, note: null };
  }
  const downloaded = await downloadModel(source, {
    ...(dtype && { dtype }),
    ...(revision !== undefined && { revision }),
    ...(signal && { signal }),
    ...(onDownload && { onProgress: onDownload }),
  });
  const { directory, onnx, source: name, note } = downloaded;
  // A prepared model was cut before: there is nothing to cut.
  if (onnx === null) throw new NerRetrieverError('MODEL_ALREADY_PREPARED', { source });
  return { path: join(directory, onnx), name, note };
}
