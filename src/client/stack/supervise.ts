/** The supervisor of an embedded stack: starts what does not run, again and again, on the same ports and data. */
import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../core/log.js';
import { embeddedParts, isServing, startPart } from './parts.js';
import { isAlive, thisProcess } from './processes.js';
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
      if (part === 'worker' && !(await serversServe(folder, parts))) continue;
      startAgain(part, folder, attempts);
    }
    await sleep(LOOK_MS);
  }
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
