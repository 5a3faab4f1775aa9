import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { NerRetrieverError } from '../../errors.js';
import { cacheError } from './cache-error.js';
import { downloadBlob, type HubFile } from './download-blob.js';
import { type HubReference, isCommit } from './hub-reference.js';
import { type HubRequest, hubRequest } from './hub-request.js';
import type { HubSettings } from './hub-settings.js';
import { linkFile } from './link-file.js';

/** How far the download of a file is. */
export interface DownloadProgress {
  /** Path in the repository. */
  readonly file: string;
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

export interface HubAccess {
  readonly settings: HubSettings;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/**
 * One commit of a repository, in the hub client's own cache: content in `blobs/`, a folder of links to it in
 * `snapshots/COMMIT/`, branches and tags in `refs/`. It knows the hub's list of its files or, where the hub was not asked,
 * what the cache has of them.
 */
export class HubRepository {
  readonly id: string;
  readonly commit: string;
  /** Absolute path of the folder that shows the commit's files. */
  readonly directory: string;
  /** Why the hub was not asked; null where it was. */
  readonly unasked: NerRetrieverError | null;
  readonly #folder: string;
  readonly #files: ReadonlyMap<string, HubFile>;
  readonly #access: HubAccess;

  private constructor(
    { id }: HubReference,
    commit: string,
    files: ReadonlyMap<string, HubFile>,
    access: HubAccess,
    unasked: NerRetrieverError | null,
  ) {
    this.id = id;
    this.commit = commit;
    this.#folder = repositoryFolder(id, access.settings);
    this.directory = join(this.#folder, 'snapshots', commit);
    this.unasked = unasked;
    this.#files = files;
    this.#access = access;
  }

  /** Asks the hub which commit the revision is, and which files that has. */
  static async ask(reference: HubReference, access: HubAccess): Promise<HubRepository> {
    const { id, revision } = reference;
    const { settings, signal } = access;
    const what = `revision "${revision}"`;
    const path = `/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
    const request: HubRequest = { settings, id, what, path, headers: { accept: 'application/json' }, signal };
    const answer = await hubRequest(request).then((response) => response.json().catch(() => null));
    const { commit, files } = parseAnswer(answer, request);
    const repository = new HubRepository(reference, commit, files, access, null);
    if (!isCommit(revision)) await repository.#remember(revision);
    return repository;
  }

  /** What the cache has of a revision; null where it has nothing. `unasked`: what a file that it lacks is refused with. */
  static async cached(
    reference: HubReference,
    access: HubAccess,
    unasked: NerRetrieverError,
  ): Promise<HubRepository | null> {
    const { id, revision } = reference;
    const folder = repositoryFolder(id, access.settings);
    const commit = isCommit(revision)
      ? revision
      : await readFile(join(folder, 'refs', revision), 'utf8').then(
          (text) => text.trim(),
          () => '',
        );
    if (!isCommit(commit)) return null;
    const files = await filesBelow(join(folder, 'snapshots', commit));
    return files.size === 0 ? null : new HubRepository(reference, commit, files, access, unasked);
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  paths(): string[] {
    return [...this.#files.keys()];
  }

  /** Absolute path of a file, once it is in the cache whole. */
  async download(path: string): Promise<string> {
    const file = this.#files.get(path);
    const { settings, signal, onProgress } = this.#access;
    if (file === undefined) {
      if (this.unasked !== null) throw this.unasked;
      const { endpoint } = settings;
      throw new NerRetrieverError('HUB_NOT_FOUND', { endpoint, id: this.id, what: `file ${path}` });
    }
    const link = join(this.directory, ...path.split('/'));
    if ((await sizeOf(link)) === file.bytes) return link;
    const blob = join(this.#folder, 'blobs', file.etag);
    const request: HubRequest = {
      settings,
      id: this.id,
      what: `file ${path}`,
      path: `/${this.id}/resolve/${this.commit}/${path.split('/').map(encodeURIComponent).join('/')}`,
      signal,
    };
    const onBytes = (receivedBytes: number) => onProgress?.({ file: path, receivedBytes, totalBytes: file.bytes });
    try {
      await mkdir(dirname(blob), { recursive: true });
      if ((await sizeOf(blob)) !== file.bytes) await downloadBlob({ request, file, blob, onBytes });
      await linkFile(blob, link);
    } catch (error) {
      throw cacheError(error, settings.cache);
    }
    return link;
  }

  async #remember(revision: string): Promise<void> {
    const file = join(this.#folder, 'refs', revision);
    try {
      await mkdir(dirname(file), { recursive: true });
      // Two downloads in one process may be here at once.
      const temporary = `${file}.${randomUUID()}.incomplete`;
      await writeFile(temporary, this.commit);
      await rename(temporary, file);
    } catch (error) {
      throw cacheError(error, this.#access.settings.cache);
    }
  }
}

function repositoryFolder(id: string, { cache }: HubSettings): string {
  return join(cache, `models--${id.replace('/', '--')}`);
}

async function sizeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : null;
}

/** Files whose links lead somewhere. */
async function filesBelow(directory: string): Promise<Map<string, HubFile>> {
  const files = new Map<string, HubFile>();
  for (const name of await readdir(directory, { recursive: true }).catch(() => [])) {
    const bytes = await sizeOf(join(directory, name));
    const path = name.split(sep).join('/');
    if (bytes !== null && !path.endsWith('.incomplete')) files.set(path, { path, bytes, etag: '' });
  }
  return files;
}

/** Names become paths in the cache, so they are checked like any input. */
function parseAnswer(answer: unknown, request: HubRequest): { commit: string; files: Map<string, HubFile> } {
  const { settings, id, what } = request;
  const failed = (received: string) =>
    new NerRetrieverError('HUB_FAILED', { endpoint: settings.endpoint, id, what, received });
  const { sha, siblings } = (answer ?? {}) as { sha?: unknown; siblings?: unknown };
  if (typeof sha !== 'string' || !isCommit(sha) || !Array.isArray(siblings)) {
    throw failed('an answer without a commit and its files');
  }
  const files = new Map<string, HubFile>();
  for (const sibling of siblings as {
    rfilename?: unknown;
    size?: unknown;
    blobId?: unknown;
    lfs?: { sha256?: unknown };
  }[]) {
    const { rfilename: path, size: bytes } = sibling;
    const etag = sibling.lfs?.sha256 ?? sibling.blobId;
    if (typeof path !== 'string' || !Number.isSafeInteger(bytes) || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(`${etag}`)) {
      throw failed('a file without name, size and hash');
    }
    if (/[\\:\0]/.test(path) || path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
      throw new NerRetrieverError('MODEL_PATH_OUTSIDE', { directory: id, path });
    }
    files.set(path, { path, bytes: bytes as number, etag: etag as string });
  }
  return { commit: sha, files };
}
