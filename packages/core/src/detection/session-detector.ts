import { setMaxListeners } from 'node:events';
import { checkOption, checkOptions } from '../check-options.js';
import { dealTexts, type TextRange } from '../encoder/deal-texts.js';
import { NerRetrieverError } from '../errors.js';
import type { Mention } from '../mentions/mention.js';
import type { DetectorOptions, MentionDetector } from '../mentions/mention-detector.js';
import { inLanes } from './in-lanes.js';
import type { SessionPool } from './session-pool.js';

/** What one kind of model makes of some texts. `signal` is aborted when the call is, or when another part of it fails. */
export type ReadTexts = (texts: readonly string[], threshold: number, signal: AbortSignal) => Promise<Mention[][]>;

/** A detector over an ONNX graph: deals the texts out to its sessions, and lets calls in flight finish when it is closed. */
export class SessionDetector implements MentionDetector {
  readonly name: string;
  readonly fingerprint: string;
  readonly #pool: SessionPool;
  readonly #threshold: number;
  readonly #read: ReadTexts;
  readonly #calls = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;

  /**
   * @param settings What decides which mentions are found, beside the model.
   * @param threshold Where a call gives none.
   */
  constructor(name: string, settings: object, pool: SessionPool, threshold: number, read: ReadTexts) {
    this.name = name;
    this.fingerprint = JSON.stringify({ ...settings, threshold });
    this.#pool = pool;
    this.#threshold = threshold;
    this.#read = read;
  }

  async detect(texts: readonly string[], options: DetectorOptions = {}): Promise<Mention[][]> {
    checkOptions('detect', options, ['signal', 'threshold']);
    const { signal, threshold = this.#threshold } = options;
    checkSignal(signal);
    checkThreshold(threshold);
    checkOption(Array.isArray(texts), 'texts', 'an array of strings', texts);
    for (const [i, text] of texts.entries()) checkOption(typeof text === 'string', `text ${i}`, 'a string', text);
    signal?.throwIfAborted();
    if (this.#closing !== null) throw new NerRetrieverError('CLOSED', { what: `The mention detector ${this.name}` });
    const call = this.#detect(texts, threshold, signal);
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#calls).then(() => this.#pool.close());
    return this.#closing;
  }

  /** As many groups of texts at once as there are sessions: what is held in memory does not grow with the number of texts. */
  async #detect(texts: readonly string[], threshold: number, signal: AbortSignal | undefined): Promise<Mention[][]> {
    const call = new AbortController();
    setMaxListeners(0, call.signal);
    const abort = () => call.abort(signal?.reason);
    signal?.addEventListener('abort', abort);
    const mentions: Mention[][] = new Array(texts.length);
    const lanes = Math.max(1, this.#pool.size);
    const readGroup = async ({ begin, end }: TextRange) => {
      call.signal.throwIfAborted();
      const found = await this.#read(texts.slice(begin, end), threshold, call.signal);
      for (const [i, own] of found.entries()) mentions[begin + i] = own.sort(byStartLongestFirst);
    };
    try {
      await inLanes(lanes, dealTexts(texts, lanes), readGroup);
      return mentions;
    } catch (error) {
      call.abort(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}

export function checkThreshold(threshold: unknown): void {
  const holds = typeof threshold === 'number' && threshold >= 0 && threshold <= 1;
  checkOption(holds, 'threshold', 'a number from 0 to 1', threshold);
}

export function checkSignal(signal: unknown): void {
  checkOption(signal === undefined || signal instanceof AbortSignal, 'signal', 'an AbortSignal', signal);
}

export function checkWorkers(workers: unknown): void {
  const holds = workers === undefined || (Number.isSafeInteger(workers) && (workers as number) >= 1);
  checkOption(holds, 'workers', 'a whole number of at least 1', workers);
}

function byStartLongestFirst(a: Mention, b: Mention): number {
  return a.start - b.start || b.end - a.end;
}
