import { existsSync } from 'node:fs';
import { checkOption } from '../../check-options.js';

/** A repository of the hub at one of its revisions. */
export interface HubReference {
  /** `owner/name`, or `name` for the hub's few repositories without an owner. */
  readonly id: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/**
 * True where a model source means a repository of the hub: it reads like an id (`owner/name`, `name`, either with
 * `@revision`), and no file or folder has that path. `./x`, `/x` and `~/x` are always paths.
 */
export function isHubId(source: string): boolean {
  return split(source) !== null && !existsSync(source);
}

/** @throws NerRetrieverError OPTION_INVALID where `source` is no id, or names another revision than `revision`. */
export function parseHubReference(source: string, revision?: string): HubReference {
  const parts = typeof source === 'string' ? split(source) : null;
  const form = 'a Hugging Face id: owner/name or owner/name@revision';
  checkOption(parts !== null, 'the model', form, source);
  const named = parts?.revision ?? revision;
  const agrees = revision === undefined || named === revision;
  checkOption(agrees, 'revision', `${named}, which the id names, or nothing`, revision);
  checkOption(named === undefined || isRevision(named), 'revision', 'a branch, a tag or a commit', named);
  return { id: parts?.id ?? '', revision: named ?? 'main' };
}

export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

const word = /^[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?$/;

/** The hub's own rules of an id. */
function split(source: string): { readonly id: string; readonly revision: string | undefined } | null {
  const at = source.indexOf('@');
  const id = at < 0 ? source : source.slice(0, at);
  const words = id.split('/');
  const isId =
    words.length <= 2 && id.length <= 96 && words.every((one) => word.test(one)) && !/--|\.\.|\.git$/.test(id);
  return isId ? { id, revision: at < 0 ? undefined : source.slice(at + 1) } : null;
}

/** A revision becomes part of a path in the cache. */
function isRevision(revision: unknown): boolean {
  if (typeof revision !== 'string' || /[\\:*?"<>|\0\s]/.test(revision)) return false;
  return revision.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
