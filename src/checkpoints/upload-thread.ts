/** The thread that writes checkpoints: receives a state, replies with its reference. */
import { parentPort, workerData } from 'node:worker_threads';
import { wireError } from '../core/errors.js';
import { openStore } from '../storage/index.js';
import { CHECKPOINT_PARTS } from './manifest.js';
import { CheckpointWriter } from './writer.js';
import type { CapturedState, CheckpointThreadData, CheckpointThreadReply } from './upload-messages.js';
import { RetryingStore } from '../storage/retrying-store.js';

const data = workerData as CheckpointThreadData;

function reply(message: CheckpointThreadReply): void {
  parentPort?.postMessage(message);
}

const store = new RetryingStore(openStore(data.storeUri), {
  onUnavailable: () => reply({ type: 'unavailable' }),
});
const writer = CheckpointWriter.takeOver(store, data.writer);

async function write({ draft, parts }: CapturedState): Promise<void> {
  try {
    const checkpoint = await writer.write(draft, parts);
    const stats = parts[CHECKPOINT_PARTS.stats];
    if (stats) await writer.publish(CHECKPOINT_PARTS.stats, stats);
    reply({ type: 'written', checkpoint });
  } catch (error) {
    reply({ type: 'failed', error: wireError(error) });
  }
}

parentPort?.on('message', (state: CapturedState) => void write(state));
