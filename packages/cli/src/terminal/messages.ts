import { type Style, styleFor } from './style.js';

/** What is said on stderr: lines that stay, and on a terminal one live line below them that is drawn over. */
export class Messages {
  readonly style: Style;
  readonly #stream: NodeJS.WriteStream;
  #live = '';

  constructor(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv) {
    this.#stream = stream;
    this.style = styleFor(this.isTerminal, environment);
    // Whoever reads the messages may leave; the work goes on.
    stream.on('error', () => {});
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  note(text: string): void {
    this.#line(text);
  }

  warn(text: string): void {
    this.#line(`${this.style.yellow('warning:')} ${text}`);
  }

  error(text: string): void {
    this.#line(`${this.style.red('error:')} ${text}`);
  }

  /** Draws the live line; nothing where there is no terminal. */
  live(text: string): void {
    if (!this.isTerminal) return;
    this.#live = text.slice(0, Math.max(20, (this.#stream.columns || 80) - 1));
    this.#stream.write(`\r\u001b[2K${this.#live}`);
  }

  /** Takes the live line away. */
  endLive(): void {
    if (this.#live !== '') this.#stream.write('\r\u001b[2K');
    this.#live = '';
  }

  #line(text: string): void {
    if (this.#live === '') this.#stream.write(`${text}\n`);
    else this.#stream.write(`\r\u001b[2K${text}\n${this.#live}`);
  }
}
