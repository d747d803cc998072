/** The state that an attempt resumes from: the store's newest, or a newer one on this disk. */
import {
  assertSameConfiguration,
  type CheckpointManifest,
  type LoadedCheckpoint,
  type TrainingConfiguration,
} from '../checkpoints/manifest.js';
import type { Warn } from '../checkpoints/reader.js';
import { findSpooled, Spool } from '../checkpoints/spool.js';
import { CheckpointError } from '../core/errors.js';
import type { TrainerJob } from './process/messages.js';
import type { TrainingResumption } from './training.js';

/** `newest` is large: release it once it is restored. */
export async function resume(
  { storeUri, runId }: TrainerJob,
  stored: LoadedCheckpoint | null,
  {
    claim,
    configurationOf,
    warn,
  }: {
    claim: number;
    /** The configuration of this job, with the settings that a training of that manifest chose. */
    configurationOf: (manifest: CheckpointManifest) => TrainingConfiguration;
    warn: Warn;
  },
): Promise<{ newest: LoadedCheckpoint | null; resumption: TrainingResumption }> {
  const spool = Spool.of(storeUri, runId);
  const { pending, newest: spooled } = await findSpooled(spool, runId, {
    step: stored?.ref.step ?? 0,
    claim,
    isSame: (manifest) => isSame(configurationOf(manifest), manifest),
    warn,
  });
  const newest = spooled ?? stored;
  const resumption = { from: newest?.ref ?? null, stored: stored?.ref ?? null, spool, pending };
  return { newest, resumption };
}

function isSame(expected: TrainingConfiguration, manifest: CheckpointManifest): boolean {
  try {
    assertSameConfiguration(expected, manifest, '');
    return true;
  } catch (error) {
    if (error instanceof CheckpointError) return false;
    throw error;
  }
}
