/**
 * A proxy for a real Temporal server that requires an API key, as Temporal Cloud does: a request
 * with another key is answered with UNAUTHENTICATED.
 */
import { connect, createServer, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

const UNAUTHENTICATED = '16';
/** Of one hop only. */
const HOP_HEADERS = [':authority', 'connection', 'host'];

export class KeyProxy {
  /** The key that is accepted; requests that wait with another one are ended. */
  private accepted: string;
  private readonly streams = new Map<ServerHttp2Stream, string | undefined>();
  private readonly sessions = new Set<Http2Session>();
  private readonly server = createServer();
  private readonly upstream: ReturnType<typeof connect>;

  private constructor(target: string, key: string) {
    this.accepted = `Bearer ${key}`;
    this.upstream = connect(`http://${target}`);
    this.upstream.on('error', () => undefined);
    this.server.on('session', (session) => this.sessions.add(session));
    this.server.on('stream', (stream, headers) => {
      const { authorization } = headers;
      this.streams.set(stream, authorization);
      stream.on('error', () => undefined);
      stream.once('close', () => this.streams.delete(stream));
      if (authorization !== this.accepted) this.refuse(stream);
      else this.forward(stream, headers);
    });
  }

  /** @param target host and port of the server */
  static async open(target: string, key: string): Promise<KeyProxy> {
    const proxy = new KeyProxy(target, key);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From now on only this key is accepted. */
  require(key: string): void {
    this.accepted = `Bearer ${key}`;
    for (const [stream, authorization] of this.streams)
      if (authorization !== this.accepted) this.refuse(stream);
  }

  async close(): Promise<void> {
    this.upstream.destroy();
    for (const session of this.sessions) session.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private refuse(stream: ServerHttp2Stream): void {
    const status = { 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'Request unauthorized.' };
    if (stream.headersSent || stream.destroyed) {
      stream.destroy();
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
  }

  private forward(stream: ServerHttp2Stream, headers: Record<string, unknown>): void {
    const kept = Object.entries(headers).filter(([name]) => !HOP_HEADERS.includes(name));
    const request = this.upstream.request(Object.fromEntries(kept) as Record<string, string>);
    request.on('error', () => stream.destroy());
    stream.once('close', () => request.destroy());
    stream.pipe(request);
    request.once('response', (response, flags) => {
      if (stream.destroyed || stream.headersSent) return;
      const { ':status': status, ...rest } = response;
      // An answer without a body carries its status here.
      const endStream = (flags & 1) !== 0;
      stream.respond({ ':status': status, ...rest }, endStream ? { endStream } : { waitForTrailers: true });
      if (endStream) return;
      let trailers: Record<string, unknown> = {};
      request.once('trailers', (given) => {
        trailers = given;
      });
      stream.once('wantTrailers', () => stream.sendTrailers(trailers as Record<string, string>));
      request.pipe(stream);
    });
  }
}
