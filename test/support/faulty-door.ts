/** A door in front of a real HTTP server that can be made to answer 500 to everything, to say nothing, or to cut what goes through. */
import { createServer, connect, type Server, type Socket } from 'node:net';

/** open: all goes through. errors: 500 to every request. silent: connections are taken, and nothing is ever answered. */
export type DoorMode = 'open' | 'errors' | 'silent';

const BODY =
  '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>';
const ANSWER = `HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/xml\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`;

export class FaultyDoor {
  readonly #sockets = new Set<Socket>();
  #mode: DoorMode = 'open';

  private constructor(
    private readonly server: Server,
    private readonly behind: URL,
  ) {
    server.on('connection', (socket) => this.#receive(socket));
  }

  /** @param endpoint address of the server behind the door, as in `http://127.0.0.1:8333` */
  static async open(endpoint: string): Promise<FaultyDoor> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultyDoor(server, new URL(endpoint));
  }

  get endpoint(): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the door is closed');
    return `http://127.0.0.1:${address.port}`;
  }

  /** From now on, for new connections; what is under way is cut off in the middle. */
  set(mode: DoorMode): void {
    this.#mode = mode;
    this.cut();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #receive(socket: Socket): void {
    this.#keep(socket);
    if (this.#mode === 'errors') socket.once('data', () => socket.end(ANSWER));
    if (this.#mode === 'silent') socket.resume();
    if (this.#mode !== 'open') return;
    const onward = connect(Number(this.behind.port), this.behind.hostname);
    this.#keep(onward);
    socket.pipe(onward).pipe(socket);
    socket.once('close', () => onward.destroy());
    onward.once('close', () => socket.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    // A connection that breaks is what this door is for.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
