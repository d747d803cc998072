/**
 * The thread that writes checkpoints: each state to the disk of this machine, then, in order and
 * however long it takes, to the object store.
 */
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
  isDone?: () => void;
}

const data = workerData as CheckpointThreadData;
const store = new RetryingStore(openStore(data.storeUri), {
  limitMs: Number.POSITIVE_INFINITY,
  onUnavailable: ({ what }) => reply({ type: 'unavailable', message: what }),
  onAvailable: () => reply({ type: 'available' }),
});
const writer = CheckpointWriter.takeOver(store, data.writer);
const spool = new Spool(data.spoolFolder);
const queue: Queued[] = data.pending.map((entry) => ({ entry, state: null }));
let uploading: Queued | null = null;

function reply(message: CheckpointThreadReply): void {
  parentPort?.postMessage(message);
}

function left(): number {
  return queue.length + (uploading ? 1 : 0);
}

/** A state without room on the disk stays in memory; the next one is taken once it is stored. */
async function keep(state: CapturedState): Promise<void> {
  const entry = await spoolIfPossible(state);
  if (entry) await dropSuperseded();
  const stored = new Promise<void>((isDone) => {
    queue.push({ entry, state: entry && left() > 0 ? null : state, isDone });
  });
  void uploadAll();
  if (!entry) await stored;
  reply({ type: 'kept', left: left() });
}

async function spoolIfPossible(state: CapturedState): Promise<ListEntry | null> {
  try {
    return await spool.add(state, { training: writer.training, claim: writer.claim });
  } catch (error) {
    if (!(error instanceof GistError)) throw error;
    reply({ type: 'refused', message: `a checkpoint cannot be kept on this machine: ${error.message}` });
    return null;
  }
}

/** A newer state replaces those that are no snapshots and wait. */
async function dropSuperseded(): Promise<void> {
  for (const waiting of queue.filter(({ entry }) => entry && !entry.snapshot)) {
    queue.splice(queue.indexOf(waiting), 1);
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
      if (next.entry) await spool.remove(next.entry);
      uploading = null;
      reply({ type: 'written', checkpoint, snapshot: draft.snapshot, left: left() });
      next.isDone?.();
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
