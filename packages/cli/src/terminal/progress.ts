import { formatAmount, formatCount, formatDuration } from './format.js';
import type { Messages } from './messages.js';

/** Where a run stands. */
export interface ProgressState {
  readonly documents: number;
  readonly mentions: number;
  /** Absent where nothing is known of tokens. */
  readonly tokens?: number;
  readonly elapsedMs: number;
  /** How much of the whole is done, 0 to 1; null where the whole is not known (standard input). */
  readonly share: number | null;
}

const redrawMs = 100;
const plainLineMs = 10_000;
const barWidth = 20;

/** Progress on stderr: a live line on a terminal, now and then a plain line elsewhere. */
export class Progress {
  readonly #messages: Messages;
  readonly #now: () => number;
  #last: number;

  constructor(messages: Messages, now: () => number = () => performance.now()) {
    this.#messages = messages;
    this.#now = now;
    // A short run on a terminal shows its line at once; elsewhere it says nothing on the way.
    this.#last = messages.isTerminal ? Number.NEGATIVE_INFINITY : now();
  }

  update(state: ProgressState): void {
    this.show(state.share, () => words(state));
  }

  /** For work that is no documents: how much of the whole is done (see `ProgressState.share`), and what is said of it. */
  show(share: number | null, text: () => string): void {
    const now = this.#now();
    if (now - this.#last < (this.#messages.isTerminal ? redrawMs : plainLineMs)) return;
    this.#last = now;
    if (this.#messages.isTerminal) this.#messages.live(liveLine(share, text()));
    else this.#messages.note(text());
  }

  end(): void {
    this.#messages.endLive();
  }
}

function liveLine(share: number | null, text: string): string {
  if (share === null) return text;
  const done = Math.min(1, share);
  const filled = Math.round(done * barWidth);
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  return `${bar} ${String(Math.floor(done * 100)).padStart(3)}%  ${text}`;
}

function words({ documents, mentions, tokens, elapsedMs, share }: ProgressState): string {
  const parts = [formatAmount(documents, 'document'), formatAmount(mentions, 'mention')];
  if (tokens !== undefined && elapsedMs > 0) parts.push(`${formatCount((tokens / elapsedMs) * 1000)} tokens/s`);
  if (share !== null && share > 0 && share < 1) parts.push(`${formatDuration((elapsedMs / share) * (1 - share))} left`);
  return parts.join('  ');
}
