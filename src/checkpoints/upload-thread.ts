/**
 * The thread that writes checkpoints: each state to the disk of this machine, then, in order and
 * however long it takes, to the object store.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { CheckpointError, GistError, wireError } from '../core/errors.js';
import { openStore } from '../storage/index.js';
import { RetryingStore } from '../storage/retrying-store.js';
import type { ListEntry } from './list.js';
import { CHECKPOINT_PARTS } from './manifest.js';
import { Spool } from './spool.js';
import type { CapturedState } from './put-checkpoint.js';
import type { CheckpointThreadData, CheckpointThreadReply } from './upload-messages.js';
import { CheckpointWriter } from './writer.js';

/** A state that the store does not have yet: on disk, in memory, or both. */
interface Queued {
  entry: ListEntry | null;
  state: CapturedState | null;
  isStored: boolean;
  onStored?: () => void;
}

/** A disk that has refused a state is tried again this often. */
const DISK_RETRY_MS = 3_000;

const data = workerData as CheckpointThreadData;
const store = new RetryingStore(openStore(data.storeUri), {
  limitMs: Number.POSITIVE_INFINITY,
  onUnavailable: ({ what }) => reply({ type: 'unavailable', message: what }),
  onAvailable: () => reply({ type: 'available' }),
});
const writer = CheckpointWriter.takeOver(store, data.writer);
const spool = new Spool(data.spoolFolder);
const queue: Queued[] = data.pending.map((entry) => ({ entry, state: null, isStored: false }));
let uploading: Queued | null = null;

function reply(message: CheckpointThreadReply): void {
  parentPort?.postMessage(message);
}

function left(): number {
  return queue.length + (uploading ? 1 : 0);
}

/** A state without room on the disk stays in memory; no other one is taken until it leaves it. */
async function keep(state: CapturedState): Promise<void> {
  const entry = await spoolIfPossible(state, (message) => reply({ type: 'refused', message }));
  if (entry) await dropSuperseded(queue);
  const queued: Queued = { entry, state: entry && left() > 0 ? null : state, isStored: false };
  queue.push(queued);
  void uploadAll();
  if (!entry) await spooledOrStored(queued, state);
  reply({ type: 'kept', left: left() });
}

/** Somebody may free space on this disk before the store is available again. */
async function spooledOrStored(queued: Queued, state: CapturedState): Promise<void> {
  const stored = new Promise<void>((resolve) => {
    queued.onStored = resolve;
  });
  while (!queued.isStored) {
    await Promise.race([stored, sleep(DISK_RETRY_MS)]);
    const entry = queued.isStored ? null : await spoolIfPossible(state);
    if (!entry) continue;
    if (queued.isStored) return spool.remove(entry);
    queued.entry = entry;
    if (uploading !== queued) queued.state = null;
    return dropSuperseded(queue.slice(0, Math.max(0, queue.indexOf(queued))));
  }
}

async function spoolIfPossible(
  state: CapturedState,
  onRefused?: (message: string) => void,
): Promise<ListEntry | null> {
  try {
    return await spool.add(state, { training: writer.training, claim: writer.claim });
  } catch (error) {
    if (!(error instanceof GistError)) throw error;
    onRefused?.(error.message);
    return null;
  }
}

/** A newer state replaces those that are no snapshots and wait. */
async function dropSuperseded(older: readonly Queued[]): Promise<void> {
  for (const waiting of older.filter(({ entry }) => entry && !entry.snapshot)) {
    const at = queue.indexOf(waiting);
    // Its upload has begun meanwhile.
    if (at < 0) continue;
    queue.splice(at, 1);
    if (waiting.entry) await spool.remove(waiting.entry);
  }
}

async function uploadAll(): Promise<void> {
  if (uploading) return;
  try {
    for (let next = queue.shift(); next; next = queue.shift()) {
      uploading = next;
      const { draft, parts } = next.state ?? (await spooled(next.entry));
      const checkpoint = await writer.write(draft, parts);
      const stats = parts[CHECKPOINT_PARTS.stats];
      if (stats) await writer.publish(CHECKPOINT_PARTS.stats, stats);
      next.isStored = true;
      if (next.entry) await spool.remove(next.entry);
      uploading = null;
      reply({ type: 'written', checkpoint, snapshot: draft.snapshot, left: left() });
      next.onStored?.();
    }
  } catch (error) {
    // `uploading` stays: nothing is uploaded behind a state that is missing.
    reply({ type: 'failed', error: wireError(error) });
  }
}

async function spooled(entry: ListEntry | null): Promise<CapturedState> {
  if (!entry) throw new CheckpointError({ what: 'a state to upload is neither in memory nor on disk' });
  const { manifest, parts } = await spool.load(entry);
  const { version: _version, training: _training, claim: _claim, parts: _parts, ...draft } = manifest;
  return { draft, parts };
}

parentPort?.on('message', (state: CapturedState) => {
  keep(state).catch((error: unknown) => reply({ type: 'failed', error: wireError(error) }));
});
void uploadAll();
