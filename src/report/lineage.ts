/** The origin of a synthetic set: data, weights, seeds, machine, attempts. */
import {
  type CheckpointManifest,
  describeAutomaticSetting,
  explainStrength,
  findAutomaticSettings,
  listAttempts,
  readAttempts,
} from '../checkpoints/index.js';
import type { EvaluateInput } from '../spec/compute-tasks.js';
import type { ObjectStore } from '../storage/index.js';
import { describeTransfer } from '../weights/transfer-report.js';

/** Pairs of label and value. */
export async function lineageOf(
  store: ObjectStore,
  run: EvaluateInput,
  checkpoint: CheckpointManifest | null,
): Promise<[string, string][]> {
  return [
    ...facts(run, checkpoint),
    ...(await attempts(store, run)),
    ...(await automaticSettings(store, run)),
  ];
}

function facts(
  { dataset, synthetic, train, reused, spec }: EvaluateInput,
  checkpoint: CheckpointManifest | null,
): [string, string][] {
  const facts: [string, string][] = [
    [
      'Data set',
      `${dataset.prefix} (${dataset.images.train} train, ${dataset.images.holdout} holdout, ${dataset.rejected} rejected)`,
    ],
    ['Synthetic set', synthetic.prefix],
    [
      'Seeds',
      `holdout ${spec.preprocess?.holdout.seed ?? '-'}, training ${spec.train.seed}, first synthetic image ${spec.generate.seed}`,
    ],
  ];
  if (train)
    facts.push([
      'Checkpoint',
      `${train.checkpoint.prefix} (${train.checkpoint.kimg} kimg, step ${train.checkpoint.step})`,
    ]);
  if (train && 'ended' in train) facts.push(['Training ended', train.ended]);
  if (train && 'transfer' in train && train.transfer)
    facts.push(['Training', describeTransfer(train.transfer)]);
  if (train && 'gaps' in train && train.gaps && train.gaps.length > 0)
    facts.push([
      'Snapshots without metrics',
      train.gaps.map(({ kimg, reason }) => `${kimg} kimg: ${reason}`).join('; '),
    ]);
  if (checkpoint) {
    const { library, threads, platform } = checkpoint.numericEnvironment;
    facts.push(['Computed by', `${library}, ${threads} threads, ${platform}`]);
    const strength = explainStrength(checkpoint.counters.augmentation.p);
    if (strength) facts.push(['Augmentation', strength]);
    facts.push(['Training time', `${(checkpoint.counters.seconds / 60).toFixed(1)} minutes`]);
  }
  facts.push(['Reused from earlier runs', reused.length > 0 ? reused.join(', ') : 'nothing']);
  return facts;
}

/** Where each attempt at the training started, and why not from a newer checkpoint. */
async function attempts(store: ObjectStore, { runId }: EvaluateInput): Promise<[string, string][]> {
  const all = await listAttempts(store, runId);
  const last = await readAttempts(store, runId, 0);
  const records = last.flatMap(({ record }) => record ?? []);
  // One attempt without a warning is what everybody expects.
  if (records.length < 2 && records.every(({ warnings }) => warnings.length === 0)) return [];
  const starts = records.map(({ resumedFrom, warnings }) => {
    const start = resumedFrom ? `from ${resumedFrom.kimg} kimg` : 'from scratch';
    return warnings.length > 0 ? `${start} (${warnings.join('; ')})` : start;
  });
  const count = all.length > last.length ? `${all.length}, of which the last` : records.length;
  return [['Attempts at the training', `${count}: ${starts.join(', ')}`]];
}

async function automaticSettings(store: ObjectStore, { runId }: EvaluateInput): Promise<[string, string][]> {
  const settings = await findAutomaticSettings(store, runId);
  if (settings.length === 0) return [];
  return [['Automatic settings', settings.map(describeAutomaticSetting).join('; ')]];
}
