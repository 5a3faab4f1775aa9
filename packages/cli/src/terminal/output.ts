import { NerRetrieverError } from '@ner-retriever/core/errors';

/** A stream that commands write their data to: waits where the reader is slow, stops quietly where the reader has left. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  #closed = false;
  #failure: NerRetrieverError | null = null;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', (cause: NodeJS.ErrnoException) => {
      this.#closed = true;
      // `| head` has seen enough: nothing went wrong.
      if (cause.code === 'EPIPE') return;
      this.#failure = new NerRetrieverError('OUTPUT_FAILED', { reason: cause.message }, { cause });
    });
  }

  /** True once the reader has left: whatever is written now is for nobody. */
  get closed(): boolean {
    return this.#closed;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Columns of the terminal; undefined where there is none, or it does not say. */
  get columns(): number | undefined {
    return (this.isTerminal && this.#stream.columns) || undefined;
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  async write(text: string): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      // The callback comes when the text has been handed on, or cannot be any more.
      if (this.#stream.write(text, () => resolve())) resolve();
    });
  }

  /** Waits until everything is handed on; throws if something could not be. */
  async flush(): Promise<void> {
    if (!this.#closed) await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    if (this.#failure) throw this.#failure;
  }
}
