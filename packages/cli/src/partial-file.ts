import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The name that a file has while it is written. */
export function partialPath(path: string): string {
  return `${path}.partial`;
}

/** Gives a file that was written under its partial name its own: it is there whole and durable, or not at all. */
export async function finishPartial(path: string): Promise<void> {
  await sync(partialPath(path), 'r+');
  await rename(partialPath(path), path);
  // Windows has no such call and needs none.
  if (process.platform !== 'win32') await sync(dirname(path), 'r');
}

export async function discardPartial(path: string): Promise<void> {
  await rm(partialPath(path), { force: true });
}

async function sync(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
