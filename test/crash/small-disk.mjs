import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk in memory, of so many kilobytes as it is told. */
export class SmallDisk {
  constructor(kilobytes) {
    this.path = mkdtempSync(join(tmpdir(), 'ner-retriever-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', this.path], { stdio: 'ignore' });
  }

  resize(kilobytes) {
    execFileSync('mount', ['-o', `remount,size=${kilobytes}k`, this.path], { stdio: 'ignore' });
  }

  close() {
    execFileSync('umount', ['-l', this.path], { stdio: 'ignore' });
    rmSync(this.path, { recursive: true });
  }

  /** Whether this user may mount one. */
  static get isAllowed() {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
    try {
      new SmallDisk(64).close();
      return true;
    } catch {
      return false;
    }
  }
}
