import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process that writes, and how to tell it what. */
export class WriterProcess {
  #child = fork(fileURLToPath(new URL('writer.mjs', import.meta.url)));
  #messages = [];
  #wake = () => {};

  constructor() {
    this.#child.on('message', (message) => {
      this.#messages.push(message);
      this.#wake();
    });
    this.#child.on('exit', () => this.#wake());
  }

  get pid() {
    return this.#child.pid;
  }

  /** Opens the index as its writer, at the first call, and begins. `operation`: see writer.mjs. */
  start(directory, operation) {
    this.#child.send({ directory, operation });
  }

  async hears(expected) {
    while (this.#messages.length === 0) {
      if (this.#child.exitCode !== null) throw new Error(`the writer has ended with ${this.#child.exitCode}`);
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#messages.shift();
    if (message !== expected) throw new Error(`expected ${expected}, got ${JSON.stringify(message)}`);
  }

  /** True where the last operation was done before the end came. */
  async kill() {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
    const failed = this.#messages.find((message) => message.failed);
    if (failed) throw new Error(failed.failed);
    return this.#messages.includes('done');
  }
}
