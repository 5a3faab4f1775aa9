export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatOptions {
  /** 0: always the likeliest word; towards 1 the answers vary. */
  readonly temperature: number;
  readonly signal?: AbortSignal;
}

/** A model that goes on with a conversation: behind an endpoint, in this process, or one of your own. */
export interface ChatModel {
  /** What reports call it: "qwen3 at localhost:8000". */
  readonly name: string;
  /** Answers that may be asked for at once. */
  readonly concurrency: number;
  /** The answer's text; what breaks off is given as far as it came. */
  answer(messages: readonly ChatMessage[], options: ChatOptions): Promise<string>;
  close(): Promise<void>;
}
