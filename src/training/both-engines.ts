/** What the loops of both engines share at their start and end: uploads, and the outcome. */
import { TrainingError } from '../core/errors.js';
import { WAITING_FOR_ROOM } from '../spec/controls.js';
import type { CheckpointRef } from '../spec/results.js';
import { CheckpointUploads } from '../checkpoints/uploads.js';
import { type TrainerControls, UPLOAD_ALLOWANCE_MS } from './controls.js';
import type { TrainerJob, TrainingOutcome } from './process/messages.js';
import type { Training } from './training.js';

/** Uploads of both engines; close them at the end. */
export function openUploads(
  { storeUri }: TrainerJob,
  { emit, startOperation }: TrainerControls,
  { resumption, writer }: Pick<Training, 'resumption' | 'writer'>,
): CheckpointUploads {
  const { from, stored, spool, pending } = resumption;
  return new CheckpointUploads({
    storeUri,
    writer,
    spool,
    pending,
    newest: stored,
    step: from?.step ?? null,
    emit,
    onWait: (forRoom) =>
      startOperation(forRoom ? WAITING_FOR_ROOM : 'writing a checkpoint', UPLOAD_ALLOWANCE_MS),
  });
}

/** How a training ended that has shown its images, or was stopped. */
export function outcomeOf(done: boolean, newest: CheckpointRef | null): TrainingOutcome {
  if (!done) return { type: 'stopped', checkpoint: newest };
  if (!newest)
    throw new TrainingError({
      what: 'the target is 0 images',
      where: 'train.kimg',
      hint: 'Raise kimg.',
    });
  return { type: 'done', checkpoint: newest };
}
