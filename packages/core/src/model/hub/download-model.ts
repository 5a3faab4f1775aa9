import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { checkOption, checkOptions } from '../../check-options.js';
import { NerRetrieverError } from '../../errors.js';
import { externalDataLocationsOf } from '../external-data-locations.js';
import { type ModelDtype, modelDtypes, onnxExport } from '../onnx-export.js';
import { parseModelDescription } from '../parse-model-description.js';
import { type HubReference, isCommit, parseHubReference } from './hub-reference.js';
import { type DownloadProgress, type HubAccess, HubRepository } from './hub-repository.js';
import { hubSettings } from './hub-settings.js';

export interface DownloadOptions {
  /** A branch, a tag or a commit. Default: what the id says behind `@`, else `main`. */
  readonly revision?: string;
  readonly signal?: AbortSignal;
  /** Told of every part of a file that comes in, and of nothing for files that are in the cache. */
  readonly onProgress?: (progress: DownloadProgress) => void;
}

export interface DownloadModelOptions extends DownloadOptions {
  /** Which export of an uncut model. Default: `fp32`. */
  readonly dtype?: ModelDtype;
}

export interface DownloadedModel {
  /** Absolute path of a folder in the hub's cache, laid out like the repository. */
  readonly directory: string;
  /** The ONNX file of an uncut model, relative to `directory`; null for a prepared model. */
  readonly onnx: string | null;
  /** `owner/name@commit`: gets the same files again, whatever happens to the branch. */
  readonly source: string;
  /** Why the hub was not asked whether this is the newest commit; null where it was, or where a commit was named. */
  readonly note: string | null;
}

/** What is read beside a graph, where a repository has it. */
const companions = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];

/** No model is prepared without these: a cache that lacks them is not complete. */
const needed = new Set(['config.json', 'tokenizer.json']);

/**
 * Brings what a model needs from the Hugging Face hub into the hub's own cache: of an export its configuration, tokenizer,
 * one ONNX file and that file's external data; of a prepared model what its model.json lists. What the cache has is not asked
 * for again, and what was interrupted goes on where it ended. Environment: HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN,
 * HF_TOKEN_PATH, HF_HUB_OFFLINE, as the hub's own client reads them.
 *
 * @param id `owner/name`, `name`, or either with `@revision`
 * @throws NerRetrieverError OPTION_…, HUB_…, MODEL_NOT_EXPORTED, MODEL_DTYPE_MISSING, MODEL_INVALID, MODEL_PATH_OUTSIDE, and
 *   the signal's reason
 */
export async function downloadModel(id: string, options: DownloadModelOptions = {}): Promise<DownloadedModel> {
  checkOptions('downloadModel', options, ['revision', 'dtype', 'signal', 'onProgress']);
  const { dtype = 'fp32' } = options;
  checkOption(modelDtypes.includes(dtype), 'dtype', `one of ${modelDtypes.join(', ')}`, dtype);
  return download(id, options, async (repository) => {
    if (repository.has('model.json')) return downloadPrepared(repository);
    const onnx = onnxExport(repository.paths(), dtype);
    if (onnx === undefined) throw exportMissing(repository, dtype);
    for (const name of companions) {
      if (repository.has(name) || (repository.unasked !== null && needed.has(name))) await repository.download(name);
    }
    // Last, so that a snapshot that has the weights has the rest.
    await downloadGraph(repository, onnx);
    return onnx;
  });
}

/**
 * `downloadModel` for repositories that hold a prepared model, and nothing but them.
 *
 * @throws NerRetrieverError those of `downloadModel`, and MODEL_NOT_PREPARED
 */
export async function downloadPreparedModel(id: string, options: DownloadOptions = {}): Promise<DownloadedModel> {
  return download(id, options, async (repository) => {
    if (repository.has('model.json')) return downloadPrepared(repository);
    throw repository.unasked ?? new NerRetrieverError('MODEL_NOT_PREPARED', { id });
  });
}

/** `pick` downloads what it wants of the repository, and names the ONNX file. */
async function download(
  id: string,
  { revision, signal, onProgress }: DownloadOptions,
  pick: (repository: HubRepository) => Promise<string | null>,
): Promise<DownloadedModel> {
  const reference = parseHubReference(id, revision);
  signal?.throwIfAborted();
  const access: HubAccess = { settings: hubSettings(), signal, onProgress };
  const downloaded = async (repository: HubRepository, note: string | null): Promise<DownloadedModel> => {
    const onnx = await pick(repository);
    return { directory: repository.directory, onnx, source: `${reference.id}@${repository.commit}`, note };
  };

  const { id: name, revision: wanted } = reference;
  const { cache, endpoint, offline } = access.settings;
  const offlineError = new NerRetrieverError('HUB_OFFLINE', { id: name, revision: wanted, cache });
  if (offline) {
    const repository = await HubRepository.cached(reference, access, offlineError);
    if (repository === null) throw offlineError;
    return downloaded(repository, isCommit(wanted) ? null : 'HF_HUB_OFFLINE is set');
  }
  // A commit never changes: if the cache has what is needed of it, there is nothing to ask.
  if (isCommit(wanted)) {
    const repository = await HubRepository.cached(reference, access, offlineError);
    const found =
      repository &&
      (await downloaded(repository, null).catch((error) => {
        if (error !== offlineError) throw error;
        return null;
      }));
    if (found) return found;
  }
  const asked = await ask(reference, access);
  if (asked.unasked === null) return downloaded(asked, null);
  return downloaded(asked, `${endpoint} cannot be reached (${asked.unasked.details.reason})`);
}

/** Falls back to the cache where the network is away. */
async function ask(reference: HubReference, access: HubAccess): Promise<HubRepository> {
  try {
    return await HubRepository.ask(reference, access);
  } catch (error) {
    if (!NerRetrieverError.isInstance(error) || error.code !== 'HUB_UNREACHABLE') throw error;
    const cached = await HubRepository.cached(reference, access, error);
    if (cached === null) throw error;
    return cached;
  }
}

async function downloadPrepared(repository: HubRepository): Promise<null> {
  const description = await repository.download('model.json');
  const { files } = parseModelDescription(await readFile(description, 'utf8'), repository.directory);
  for (const name of Object.keys(files)) await repository.download(name);
  return null;
}

/** An ONNX file and the files that it keeps weights in. */
async function downloadGraph(repository: HubRepository, onnx: string): Promise<void> {
  const graph = await repository.download(onnx);
  const invalid = (received: string, cause?: unknown) =>
    new NerRetrieverError(
      'MODEL_INVALID',
      { directory: repository.directory, field: onnx, expected: 'an ONNX graph', received },
      { cause },
    );
  let locations: string[];
  try {
    locations = externalDataLocationsOf(graph);
  } catch (cause) {
    if (cause instanceof RangeError) throw invalid(`broken protobuf (${cause.message})`, cause);
    throw cause;
  }
  for (const location of locations) {
    const path = posix.join(posix.dirname(onnx), location);
    if (/[\\:\0]/.test(location) || location.startsWith('/') || path.split('/').includes('..')) {
      throw new NerRetrieverError('MODEL_PATH_OUTSIDE', { directory: repository.directory, path: location });
    }
    await repository.download(path);
  }
}

function exportMissing(repository: HubRepository, dtype: ModelDtype): NerRetrieverError {
  if (repository.unasked !== null) return repository.unasked;
  const { id } = repository;
  const paths = repository.paths();
  const available = modelDtypes.filter((one) => onnxExport(paths, one) !== undefined);
  if (available.length > 0) return new NerRetrieverError('MODEL_DTYPE_MISSING', { id, dtype, available });
  const others = paths.filter((path) => path.endsWith('.onnx'));
  return new NerRetrieverError('MODEL_NOT_EXPORTED', { id, name: id.split('/').at(-1), others });
}
