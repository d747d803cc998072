/** Chooses ports for the embedded servers: the usual ones if free, and records them. */
import { createServer } from 'node:net';
import { isAlive } from '../../core/process-id.js';
import type { StackFolder, StackPart } from './state.js';

/** Preferred port by name; 0 takes any free one. */
export const PREFERRED: Record<string, number> = {
  temporal: 7233,
  ui: 8233,
  temporalMetrics: 0,
  's3.port': 8333,
  's3.port.grpc': 0,
  'master.port': 0,
  'master.port.grpc': 0,
  'volume.port': 0,
  'volume.port.grpc': 0,
  'filer.port': 0,
  'filer.port.grpc': 0,
  'admin.port': 0,
  'admin.port.grpc': 0,
};

/** Assigns ports to the servers of a stack that do not run and records them in its state. */
export async function assignPorts(folder: StackFolder): Promise<void> {
  const { ports: remembered, processes } = folder.read();
  const owner = (name: string): StackPart => (name.includes('.port') ? 's3' : 'temporal');
  const ports = await choosePorts(
    remembered,
    (name) => remembered[name] !== undefined && isAlive(processes[owner(name)]),
  );
  if (Object.entries(ports).every(([name, port]) => remembered[name] === port)) return;
  // Another process may have written meanwhile.
  folder.write({ ...folder.read(), ports });
}

/** A port for every name: the recorded one if free, else the preferred one, else any. */
export async function choosePorts(
  remembered: Record<string, number>,
  inUse: (name: string) => boolean,
): Promise<Record<string, number>> {
  const chosen: Record<string, number> = {};
  const taken = new Set<number>();
  for (const [name, preferred] of Object.entries(PREFERRED)) {
    const port = inUse(name)
      ? (remembered[name] as number)
      : await firstFree([remembered[name], preferred], taken);
    chosen[name] = port;
    taken.add(port);
  }
  return chosen;
}

async function firstFree(candidates: (number | undefined)[], taken: Set<number>): Promise<number> {
  for (const candidate of candidates) {
    if (candidate && !taken.has(candidate) && (await tryListen(candidate)) === candidate) return candidate;
  }
  for (;;) {
    const any = await tryListen(0);
    if (any !== null && !taken.has(any)) return any;
  }
}

/** The port that could be listened on, or null. */
function tryListen(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null));
    });
  });
}
