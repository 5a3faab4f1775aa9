import process from 'node:process';

/** The exit code of a command that was interrupted and ended in order. */
export const interrupted = 130;

/** Ctrl-C during long work: the first ends it in order (`signal`), the second at once. SIGTERM counts as Ctrl-C does. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #announce: () => void;

  /** @param announce says what is being finished */
  constructor(announce: () => void) {
    this.#announce = announce;
    process.on('SIGINT', this.#interrupt);
    process.on('SIGTERM', this.#interrupt);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Gives the signals back to Node. */
  end(): void {
    process.off('SIGINT', this.#interrupt);
    process.off('SIGTERM', this.#interrupt);
  }

  readonly #interrupt = (signal: NodeJS.Signals): void => {
    if (this.signal.aborted) {
      // As the system would have ended it: no JavaScript runs any more, and no worker thread is torn down half-way.
      this.end();
      process.kill(process.pid, signal);
      return;
    }
    this.#controller.abort();
    this.#announce();
  };
}
