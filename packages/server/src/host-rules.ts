import { isIP } from 'node:net';
import { NerRetrieverError } from '@ner-retriever/core/errors';

/** Names by which a service on this machine may be called. */
const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

/** Addresses that mean "every interface" and are nobody's name. */
const wildcards = ['0.0.0.0', '::'];

/**
 * Which Host and Origin headers are answered. A page on the web can make a browser call this machine: under a name of its own
 * that it lets point here (DNS rebinding), which Host gives away; or across origins (CSRF), which Origin gives away.
 */
export class HostRules {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  /**
   * @param boundHost the address or name that the service listens on
   * @param allowedHosts further names, each with or without a port
   * @param allowedOrigins further origins: "https://app.example"
   */
  constructor(boundHost: string, allowedHosts: readonly string[], allowedOrigins: readonly string[]) {
    const own = wildcards.includes(boundHost) ? [] : [isIP(boundHost) === 6 ? `[${boundHost}]` : boundHost];
    this.#hosts = new Set([...loopbackNames, ...own, ...allowedHosts].map((name) => name.toLowerCase()));
    this.#origins = new Set(allowedOrigins.map((origin) => origin.toLowerCase()));
  }

  /** Throws unless the headers are those of a caller that may call. */
  check(host: string | undefined, origin: string | undefined): void {
    const called = host?.toLowerCase();
    if (called === undefined || !(this.#hosts.has(called) || this.#hosts.has(withoutPort(called)))) {
      throw new NerRetrieverError('HOST_REFUSED', { host: host ?? null, expected: [...this.#hosts] });
    }
    if (origin === undefined) return;
    const from = origin.toLowerCase();
    if (from !== `http://${called}` && from !== `https://${called}` && !this.#origins.has(from)) {
      throw new NerRetrieverError('ORIGIN_REFUSED', { origin, host });
    }
  }
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '');
}
