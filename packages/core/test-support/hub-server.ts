import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRepositoryFixture {
  readonly commit: string;
  readonly files: { readonly [path: string]: Buffer | string };
  /** Refused without this token, as the hub does. */
  readonly gated?: string;
  readonly private?: string;
}

export interface SeenRequest {
  /** Which of the two servers was asked. */
  readonly at: 'hub' | 'cdn';
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/**
 * The Hugging Face hub's HTTP API on this machine, as far as a client that downloads models uses it, and a second server in
 * the place of its content network. Files of 100 bytes and more are kept as large files are: by SHA-256, behind a redirect.
 */
export class HubServer {
  readonly repositories: { [id: string]: HubRepositoryFixture } = {};
  readonly seen: SeenRequest[] = [];
  /** By file: after how many bytes the content network cuts its next answers short. */
  readonly breaks: { [path: string]: number[] } = {};
  /** Answers to give instead, once for each entry. */
  readonly troubles: { status: number; headers?: { [name: string]: string } }[] = [];
  /** Replaces the content of a file, whatever its hash says. */
  readonly forged: { [path: string]: Buffer } = {};
  ranges = true;
  #hub: Server = createServer((request, response) => this.#answer(request, response));
  #cdn: Server = createServer((request, response) => this.#content(request, response));

  async open(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    }
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): ServerResponse {
    this.#see('hub', request);
    const trouble = this.troubles.shift();
    if (trouble) return refuse(response, trouble.status, trouble.headers);
    const url = new URL(request.url as string, this.endpoint);
    const path = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const isApi = path[0] === 'api';
    const words = isApi ? path.slice(2) : path;
    const verb = words.indexOf(isApi ? 'revision' : 'resolve');
    const id = words.slice(0, verb).join('/');
    const [revision, ...file] = words.slice(verb + 1);
    const repository = this.repositories[id];
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (!repository || (repository.private !== undefined && repository.private !== token)) {
      return refuse(response, token === undefined ? 401 : 404, { 'x-error-code': 'RepoNotFound' });
    }
    if (revision !== 'main' && revision !== 'pull/1' && revision !== repository.commit) {
      return refuse(response, 404, { 'x-error-code': 'RevisionNotFound' });
    }
    if (isApi) {
      const siblings = Object.entries(repository.files).map(([rfilename, content]) => sibling(rfilename, content));
      return response.writeHead(200).end(JSON.stringify({ id, sha: repository.commit, siblings }));
    }
    if (repository.gated !== undefined && repository.gated !== token) {
      return refuse(response, token === undefined ? 401 : 403, { 'x-error-code': 'GatedRepo' });
    }
    const name = file.join('/');
    const content = repository.files[name];
    if (content === undefined) return refuse(response, 404, { 'x-error-code': 'EntryNotFound' });
    if (content.length >= 100) {
      const { port } = this.#cdn.address() as AddressInfo;
      return response.writeHead(302, { location: `http://127.0.0.1:${port}/${id}/${name}?signature=secret` }).end();
    }
    return this.#send(request, response, this.forged[name] ?? Buffer.from(content));
  }

  #content(request: IncomingMessage, response: ServerResponse): void {
    this.#see('cdn', request);
    const [owner, repository, ...file] = decodeURIComponent((request.url as string).split('?')[0] as string)
      .slice(1)
      .split('/');
    const name = file.join('/');
    const content = this.repositories[`${owner}/${repository}`]?.files[name] as Buffer | string;
    this.#send(request, response, this.forged[name] ?? Buffer.from(content), this.breaks[name]?.shift());
  }

  #send(request: IncomingMessage, response: ServerResponse, content: Buffer, breakAfter?: number): ServerResponse {
    const begin = this.ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    const part = content.subarray(begin);
    if (begin > 0) response.setHeader('content-range', `bytes ${begin}-${content.length - 1}/${content.length}`);
    response.writeHead(begin > 0 ? 206 : 200, { 'content-length': part.length });
    if (breakAfter === undefined) return response.end(part);
    response.write(part.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 50));
    return response;
  }

  #see(at: SeenRequest['at'], { url, headers }: IncomingMessage): void {
    const path = (url as string).split('?')[0] as string;
    this.seen.push({ at, path, authorization: headers.authorization, range: headers.range });
  }
}

function refuse(response: ServerResponse, status: number, headers: { [name: string]: string } = {}): ServerResponse {
  return response.writeHead(status, headers).end();
}

function sibling(rfilename: string, content: Buffer | string) {
  const bytes = Buffer.from(content);
  const blobId = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const lfs = bytes.length >= 100 ? { lfs: { sha256, size: bytes.length, pointerSize: 130 } } : {};
  return { rfilename, size: bytes.length, blobId, ...lfs };
}
