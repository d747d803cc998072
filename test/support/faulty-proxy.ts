/**
 * A TCP proxy for a real HTTP server. It can answer 500 to every request, never answer, or close
 * all connections.
 */
import { createServer, connect, type Server, type Socket } from 'node:net';

/**
 * forward: passes everything on. errors: answers 500 to every request. silent: accepts connections
 * and never answers.
 */
export type ProxyMode = 'forward' | 'errors' | 'silent';

const BODY =
  '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>';
const RESPONSE = `HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/xml\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`;

export class FaultyProxy {
  readonly #sockets = new Set<Socket>();
  #mode: ProxyMode = 'forward';

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** @param endpoint address of the target server, such as `http://127.0.0.1:8333` */
  static async open(endpoint: string): Promise<FaultyProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultyProxy(server, new URL(endpoint));
  }

  get endpoint(): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Sets the mode of new connections and closes the open ones. */
  set(mode: ProxyMode): void {
    this.#mode = mode;
    this.cut();
  }

  /** Closes all connections, also in the middle of a transfer. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.#track(socket);
    if (this.#mode === 'errors') socket.once('data', () => socket.end(RESPONSE));
    if (this.#mode === 'silent') socket.resume();
    if (this.#mode !== 'forward') return;
    const upstream = connect(Number(this.target.port), this.target.hostname);
    this.#track(upstream);
    socket.pipe(upstream).pipe(socket);
    socket.once('close', () => upstream.destroy());
    upstream.once('close', () => socket.destroy());
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    // Broken connections are expected: this proxy causes them.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
