/** The supervisor of an embedded stack: starts what does not run, again and again, on the same data, and on the same ports while they are free. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { log } from '../../core/log.js';
import { embeddedParts, environmentOf, isServing, startPart } from './parts.js';
import { settlePorts } from './ports.js';
import { isAlive, signal, thisProcess } from './processes.js';
import type { StackFolder, StackPart } from './state.js';

const LOOK_MS = 500;
/** A part that dies at once is started again after 1, 2, 4, ... seconds, at most this many. */
const MAX_BACKOFF_MS = 30_000;
/** A part that has lived this long starts with a clean slate. */
const STEADY_MS = 60_000;

interface Attempt {
  at: number;
  backoffMs: number;
}

/** Runs until SIGTERM. Stopping the parts is the business of whoever stops the supervisor. */
export async function supervise(folder: StackFolder): Promise<void> {
  const parts = embeddedParts();
  const attempts = new Map<StackPart, Attempt>();
  let stopping = false;
  process.once('SIGTERM', () => {
    stopping = true;
  });
  while (!stopping) {
    if (folder.read().processes.supervisor?.pid !== process.pid) folder.remember('supervisor', thisProcess());
    for (const part of parts) {
      if (stopping || isAlive(folder.read().processes[part])) continue;
      if (part !== 'worker') await settle(folder);
      else if (!(await serversServe(folder, parts))) continue;
      if (stopping) break;
      startAgain(part, folder, attempts);
    }
    await sleep(LOOK_MS);
  }
}

/**
 * Another stack may have taken the port of a server of ours that is down. Ours moves; and the worker, which knows the old addresses
 * only and would serve the other stack's runs with our store, ends and is started again with the new ones.
 */
async function settle(folder: StackFolder): Promise<void> {
  const before = environmentOf(folder.read());
  await settlePorts(folder);
  const now = folder.read();
  if (isDeepStrictEqual(environmentOf(now), before)) return;
  log.warn('a port of the stack was taken by another program; the server moves to a free one');
  if (now.processes.worker) signal(now.processes.worker, 'SIGTERM');
}

/** A worker without its servers would only die. */
async function serversServe(folder: StackFolder, parts: ReturnType<typeof embeddedParts>): Promise<boolean> {
  const state = folder.read();
  const servers = parts.filter((part) => part !== 'worker');
  const answers = await Promise.all(servers.map((part) => isServing(part, folder, state)));
  return answers.every(Boolean);
}

function startAgain(
  part: Exclude<StackPart, 'supervisor'>,
  folder: StackFolder,
  attempts: Map<StackPart, Attempt>,
): void {
  const last = attempts.get(part);
  const now = Date.now();
  if (last && now - last.at < last.backoffMs) return;
  const backoffMs = !last || now - last.at > STEADY_MS ? 1_000 : Math.min(MAX_BACKOFF_MS, last.backoffMs * 2);
  attempts.set(part, { at: now, backoffMs });
  const id = startPart(part, folder, folder.read());
  folder.remember(part, id);
  log.info(last ? 'started again' : 'started', { part, pid: id.pid });
}
