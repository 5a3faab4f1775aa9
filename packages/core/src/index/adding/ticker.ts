/**
 * A promise that resolves every so often, and at once when a signal aborts. Made to be raced against promises that may take long:
 * racing against the signal itself would hold on to every promise that it was ever raced with.
 */
export class Ticker {
  #resolve!: () => void;
  #current: Promise<typeof tick>;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal;
  readonly #advance = () => {
    const resolve = this.#resolve;
    this.#current = this.#next();
    resolve();
  };

  constructor(intervalMs: number, signal: AbortSignal) {
    this.#current = this.#next();
    this.#timer = setInterval(this.#advance, intervalMs);
    this.#signal = signal;
    signal.addEventListener('abort', this.#advance);
  }

  /** `work`'s result, or `tick` where a tick comes first. @throws the signal's reason once it has aborted */
  async race<T>(work: Promise<T>): Promise<T | typeof tick> {
    this.#signal.throwIfAborted();
    const first = await Promise.race([work, this.#current]);
    this.#signal.throwIfAborted();
    return first;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#signal.removeEventListener('abort', this.#advance);
  }

  #next(): Promise<typeof tick> {
    return new Promise((resolve) => {
      this.#resolve = () => resolve(tick);
    });
  }
}

export const tick = Symbol('tick');
