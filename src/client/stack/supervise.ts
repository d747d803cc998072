/**
 * The supervisor of an embedded stack: restarts parts that have ended, on the same data and, where
 * they are free, the same ports.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { log } from '../../core/log.js';
import { embeddedParts, environmentOf, isServing, startPart } from './parts.js';
import { assignPorts } from './ports.js';
import { isAlive, signal, thisProcess } from './processes.js';
import type { StackFolder, StackPart } from './state.js';

const POLL_MS = 500;
/** Longest wait before a restart; the wait doubles from 1 s with every early exit. */
const MAX_BACKOFF_MS = 30_000;
/** A part that has run for this long is restarted after the shortest wait. */
const STABLE_MS = 60_000;

interface Attempt {
  at: number;
  backoffMs: number;
}

/** Runs until SIGTERM; `gist down` then stops the parts. */
export async function supervise(folder: StackFolder): Promise<void> {
  const parts = embeddedParts();
  const attempts = new Map<StackPart, Attempt>();
  let stopping = false;
  process.once('SIGTERM', () => {
    stopping = true;
  });
  while (!stopping) {
    if (folder.read().processes.supervisor?.pid !== process.pid)
      folder.setProcess('supervisor', thisProcess());
    for (const part of parts) {
      if (stopping || isAlive(folder.read().processes[part])) continue;
      if (part !== 'worker') await reassignPorts(folder);
      else if (!(await serversAreServing(folder, parts))) continue;
      if (stopping) break;
      restart(part, folder, attempts);
    }
    await sleep(POLL_MS);
  }
}

/**
 * Another stack may have taken the port of a server of ours that is down. Then the server moves to
 * another port. The worker is restarted too: with the old addresses it would run the other stack's
 * workflows against our store.
 */
async function reassignPorts(folder: StackFolder): Promise<void> {
  const before = environmentOf(folder.read());
  await assignPorts(folder);
  const now = folder.read();
  if (isDeepStrictEqual(environmentOf(now), before)) return;
  log.warn('a port of the stack was taken by another program; the server moves to a free one');
  if (now.processes.worker) signal(now.processes.worker, 'SIGTERM');
}

/** A worker exits without its servers. */
async function serversAreServing(
  folder: StackFolder,
  parts: ReturnType<typeof embeddedParts>,
): Promise<boolean> {
  const state = folder.read();
  const servers = parts.filter((part) => part !== 'worker');
  const answers = await Promise.all(servers.map((part) => isServing(part, folder, state)));
  return answers.every(Boolean);
}

function restart(
  part: Exclude<StackPart, 'supervisor'>,
  folder: StackFolder,
  attempts: Map<StackPart, Attempt>,
): void {
  const last = attempts.get(part);
  const now = Date.now();
  if (last && now - last.at < last.backoffMs) return;
  const backoffMs = !last || now - last.at > STABLE_MS ? 1_000 : Math.min(MAX_BACKOFF_MS, last.backoffMs * 2);
  attempts.set(part, { at: now, backoffMs });
  const id = startPart(part, folder, folder.read());
  folder.setProcess(part, id);
  log.info(last ? 'restarted' : 'started', { part, pid: id.pid });
}
