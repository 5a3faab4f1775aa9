import { checkOption } from '../check-options.js';
import { type DownloadOptions, downloadPreparedModel } from './hub/download-model.js';
import { isHubId } from './hub/hub-reference.js';

/** Where a model is. */
export interface ResolvedModel {
  /** A model folder. */
  readonly directory: string;
  /** `owner/name@commit` of a model from the Hugging Face hub: brings the same model again where the folder is gone. */
  readonly source: string | null;
}

/**
 * The model folder that a source means: the folder itself, or one in the hub's cache for an id (`owner/name`, or
 * `owner/name@revision`) of a repository that holds a prepared model.
 *
 * @throws NerRetrieverError OPTION_INVALID; for ids those of `downloadPreparedModel`
 */
export async function resolveModel(source: string, options: DownloadOptions = {}): Promise<ResolvedModel> {
  checkOption(typeof source === 'string', 'the model', 'the path of a model folder or a Hugging Face id', source);
  if (!isHubId(source)) return { directory: source, source: null };
  return downloadPreparedModel(source, options);
}
