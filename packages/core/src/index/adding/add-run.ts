import type { AddProgress, AddSummary } from './add-progress.js';

/**
 * A run of adding, which is under way already. Await it for the summary; iterate it for the progress, which is told after each commit. A
 * slow reader misses steps and holds nothing up; whoever stops iterating leaves the run going on. Both throw what the run throws.
 */
export class AddRun implements PromiseLike<AddSummary>, AsyncIterable<AddProgress> {
  readonly #summary: Promise<AddSummary>;
  #latest: AddProgress | undefined;
  #steps = 0;
  #ended = false;
  #wake: (() => void)[] = [];

  /** @internal */
  constructor(work: (report: (progress: AddProgress) => void) => Promise<AddSummary>) {
    this.#summary = work((progress) => {
      this.#latest = progress;
      this.#steps += 1;
      this.#wakeAll();
    }).finally(() => {
      this.#ended = true;
      this.#wakeAll();
    });
  }

  // biome-ignore lint/suspicious/noThenProperty: to be awaited is what it is for
  then<Result = AddSummary, Failure = never>(
    onFulfilled?: ((summary: AddSummary) => Result | PromiseLike<Result>) | null,
    onRejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return this.#summary.then(onFulfilled, onRejected);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AddProgress, void, undefined> {
    // Told below, when the reader comes to it; until then nobody may take it for one that nobody handles.
    this.#summary.catch(() => undefined);
    let seen = 0;
    for (;;) {
      if (this.#steps > seen) {
        seen = this.#steps;
        yield this.#latest as AddProgress;
      } else if (this.#ended) {
        await this.#summary;
        return;
      } else {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    }
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
