import process from 'node:process';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import { createServer, type ServerOptions } from './create-server.js';

export interface ServeOptions extends ServerOptions {
  /** 0 takes any free port. Default: 8080. */
  readonly port?: number;
}

export interface Service {
  /** "http://127.0.0.1:8080" */
  readonly url: string;
  /** Settles when the service has ended: after `close`, SIGINT or SIGTERM, when all requests under way are answered. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/**
 * Listens, on 127.0.0.1 unless told otherwise, until SIGINT or SIGTERM: the first ends the service in order, a second one the
 * process at once.
 */
export async function serve(options: ServeOptions): Promise<Service> {
  const { host = '127.0.0.1', port = 8080 } = options;
  const server = createServer({ ...options, host });
  const url = await server.listen({ host, port }).catch((cause: Error) => {
    throw new NerRetrieverError('LISTEN_FAILED', { host, port, reason: cause.message }, { cause });
  });

  let ended = (): void => {};
  const closed = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const close = async (): Promise<void> => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await server.close();
    ended();
  };
  const onSignal = (): void => void close();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return { url, closed, close };
}
