import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, relative } from 'node:path';

/** Makes `link` show `blob`, at once and whole: a relative symbolic link, or a copy where there can be none. */
export async function linkFile(blob: string, link: string): Promise<void> {
  await mkdir(dirname(link), { recursive: true });
  const temporary = `${link}.${randomBytes(4).toString('hex')}.incomplete`;
  try {
    await symlink(relative(dirname(link), blob), temporary).catch(() => copyFile(blob, temporary));
    await rename(temporary, link);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
