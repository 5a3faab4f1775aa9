import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { stallMs } from './hub-request.js';

/**
 * The unfinished part of a blob, which one download at a time writes: `ETAG.HOST.PID.RANDOM.incomplete` while someone does,
 * `ETAG.incomplete` between two downloads. It changes hands by renaming, which one process alone can win; whoever loses
 * begins a part of its own.
 */
export class PartialFile {
  readonly path: string;
  readonly #blob: string;

  private constructor(blob: string) {
    this.#blob = blob;
    const owner = `${hostname()}.${process.pid}.${randomBytes(4).toString('hex')}`;
    this.path = `${blob}.${owner}.incomplete`;
  }

  /** Takes over what an earlier download left, if there is such. */
  static async claim(blob: string): Promise<PartialFile> {
    const partial = new PartialFile(blob);
    for (const left of [`${blob}.incomplete`, ...(await abandoned(blob))]) {
      const taken = await rename(left, partial.path).then(
        () => true,
        () => false,
      );
      if (taken) break;
    }
    return partial;
  }

  /** Leaves the part for the next download; an empty one to nobody. */
  async leave(): Promise<void> {
    const { size } = await stat(this.path).catch(() => ({ size: 0 }));
    await (size === 0 ? rm(this.path, { force: true }) : rename(this.path, `${this.#blob}.incomplete`)).catch(() => {});
  }
}

/** Parts whose process died without leaving them: it no longer runs here, or has not written for longer than it may wait. */
async function abandoned(blob: string): Promise<string[]> {
  const folder = dirname(blob);
  const names = (await readdir(folder)).filter(
    (name) => name.startsWith(`${basename(blob)}.`) && name.endsWith('.incomplete'),
  );
  const found: string[] = [];
  for (const name of names) {
    const owner = name
      .slice(basename(blob).length + 1)
      .split('.')
      .slice(0, -2);
    const pid = Number(owner.pop());
    if (!Number.isSafeInteger(pid) || pid <= 0) continue;
    const path = join(folder, name);
    const written = await stat(path).catch(() => null);
    const isSilent = written !== null && Date.now() - written.mtimeMs > 2 * stallMs;
    if (isSilent || (owner.join('.') === hostname() && !isRunning(pid))) found.push(path);
  }
  return found;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
