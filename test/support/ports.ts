/** Free TCP ports on 127.0.0.1. */
import { type AddressInfo, createServer } from 'node:net';

/**
 * Ports that were returned before are not returned again: their servers may not have started yet.
 */
const given = new Set<number>();

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0] as number;
}

/** Distinct free ports below 55536, since a server may add 10000 to one of them. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    if (port >= 55_536 || given.has(port)) continue;
    given.add(port);
    ports.push(port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
