/** The state that an attempt resumes from: the store's newest, or a newer one on this disk. */
import { checkpointPrefix, type LoadedCheckpoint, trainPrefix } from '../checkpoints/manifest.js';
import type { SnapshotRule } from '../checkpoints/retention.js';
import type { TrainSpec } from '../spec/train.js';
import type { Warn } from '../checkpoints/reader.js';
import {
  dropStored,
  dropUnfinished,
  findSpooled,
  Spool,
  spoolFolder,
  type Spooled,
  type SpooledTraining,
  spooledTrainings,
} from '../checkpoints/spool.js';
import { sweepSpools } from '../checkpoints/sweep-spools.js';
import { CheckpointWriter } from '../checkpoints/writer.js';
import { CheckpointLostError } from '../core/errors.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { TrainerJob } from './process/messages.js';
import type { TrainingResumption } from './training.js';

/** What an attempt starts with. */
export interface OpenedCheckpoints {
  writer: CheckpointWriter;
  /** Large: release it once it is restored. null: from scratch. */
  newest: LoadedCheckpoint | null;
  resumption: TrainingResumption;
}

/**
 * Claims the training, and finds the state that it resumes from. States on this disk stay there
 * until the store has them or newer ones.
 *
 * @throws StaleAttemptError when a later attempt owns the training; CheckpointLostError when the
 *   training has states, and none is intact here or in the store; NewerVersionError
 */
export async function openCheckpoints(
  store: ObjectStore,
  { storeUri, runId, train, attempt, expected }: TrainerJob,
  warn: Warn,
): Promise<OpenedCheckpoints> {
  const onDisk = () => spooledTrainings(storeUri, runId);
  const { keepCheckpoints } = train;
  const runPrefix = trainPrefix(runId);
  const opened = await CheckpointWriter.open(store, runPrefix, {
    attempt,
    expected,
    keepCheckpoints,
    keepSnapshots: snapshotRule(train),
    onDisk,
    warn,
  });
  const { writer, newest: stored } = opened;
  const spool = Spool.of(storeUri, runId, writer.training);
  const step = stored?.ref.step ?? 0;
  await dropStored(spool, step);
  await dropUnfinished(spool);
  const spooled = await findSpooled(spool, step);
  reportDamage(spooled, stored, { spool, warn });
  const newest = spooled.newest ? named(spooled.newest, runPrefix) : stored;
  if (spooled.newest)
    warn(
      `resumes from the state at ${spooled.newest.ref.kimg} kimg on this machine's disk, which the store does not have yet`,
    );
  if (!newest) warnOfOthers(await onDisk(), spoolFolder(storeUri), warn);
  await sweepSpools(store, storeUri);
  const { pending } = spooled;
  const resumption = { from: newest?.ref ?? null, stored: stored?.ref ?? null, spool, pending };
  return { writer, newest, resumption };
}

function snapshotRule({ keepSnapshots, snapshotKimg, snapshotMetrics, stopWhen }: TrainSpec): SnapshotRule {
  return { ...keepSnapshots, snapshotKimg, metric: stopWhen?.metric ?? snapshotMetrics[0] ?? null };
}

/** With the prefix that it will have in the store. */
function named(spooled: LoadedCheckpoint, runPrefix: string): LoadedCheckpoint {
  return { ...spooled, ref: { ...spooled.ref, prefix: checkpointPrefix(runPrefix, spooled.ref) } };
}

/** @throws CheckpointLostError when nothing else is left: it must not train from scratch instead */
function reportDamage(
  { newest, damaged }: Spooled,
  stored: LoadedCheckpoint | null,
  { spool, warn }: { spool: Spool; warn: Warn },
): void {
  for (const prefix of damaged)
    warn(`the state ${prefix.slice(0, -1)} on this machine's disk is damaged; it is skipped`);
  if (damaged.length === 0 || newest || stored) return;
  throw new CheckpointLostError({
    what: 'the states of this training on the disk of this machine are damaged, and the store has none.',
    where: spool.folder,
    hint: 'Put these files back and resume the run; or delete this folder, to train from the beginning.',
  });
}

/** Of a deleted run of the same name; or the store has lost everything of this one. */
function warnOfOthers(others: readonly SpooledTraining[], folder: string, warn: Warn): void {
  const [newest] = others;
  if (newest)
    warn(
      `starts from scratch; a state at step ${newest.step} of an earlier training of this name stays unused in ${folder}`,
    );
}
