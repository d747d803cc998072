/** Whether a run that was repeated has the same weights, and if not, what differs. */
import { type CheckpointManifest, findManifest } from '../checkpoints/index.js';
import { RunError } from '../core/errors.js';
import type { PreprocessResult, TrainResult } from '../spec/results.js';
import { canonicalJson } from '../storage/digest.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { StoredRun } from './stored-run.js';

export interface Reproduction {
  /** Whether weights and the state of the optimizer are the same, byte for byte. */
  isSame: boolean;
  /** What differs, as sentences, causes first. */
  differences: string[];
  /** Names of the parts of the checkpoint that have other bytes. */
  parts: string[];
}

/** Parts that show or time the training, and do not enter it. */
const SHOWN = /preview|stats/;

/** @throws RunError when one of them has no finished training */
export async function compareReproduction(
  store: ObjectStore,
  original: StoredRun,
  repeated: StoredRun,
): Promise<Reproduction> {
  const [first, second] = await Promise.all([
    lastCheckpoint(store, original),
    lastCheckpoint(store, repeated),
  ]);
  const names = new Set([...Object.keys(first.parts), ...Object.keys(second.parts)]);
  const parts = [...names].filter(
    (name) => !SHOWN.test(name) && first.parts[name]?.sha256 !== second.parts[name]?.sha256,
  );
  const isSame = parts.length === 0;
  const differences = isSame ? [] : causes(original, repeated, [first, second]);
  return { isSame, parts, differences };
}

async function lastCheckpoint(store: ObjectStore, { runId, stages }: StoredRun): Promise<CheckpointManifest> {
  const train = stages.train as TrainResult | undefined;
  const manifest = train && (await findManifest(store, train.last.prefix));
  if (manifest) return manifest;
  throw new RunError({
    what: 'has no finished training whose checkpoint is in the store',
    where: runId,
    hint: '`gist status` shows how it ended; pruned checkpoints cannot be compared.',
  });
}

function causes(
  original: StoredRun,
  repeated: StoredRun,
  [first, second]: [CheckpointManifest, CheckpointManifest],
): string[] {
  const found: string[] = [];
  const digest = ({ stages }: StoredRun) =>
    (stages.preprocess as PreprocessResult | undefined)?.dataset.digest ?? null;
  if (digest(original) !== digest(repeated))
    found.push('The data set differs: images of the source were added, removed or changed.');
  if (first.step !== second.step)
    found.push(`The trainings ended at other steps: ${first.step} and ${second.step}.`);
  for (const [section, a, b] of [
    ['Settings', first.configuration, second.configuration],
    ['Machine', first.numericEnvironment, second.numericEnvironment],
  ] as const)
    for (const key of Object.keys(a) as (keyof typeof a)[])
      if (canonicalJson(a[key] ?? null) !== canonicalJson(b[key] ?? null))
        found.push(`${section}: ${key} was ${JSON.stringify(a[key])} and is ${JSON.stringify(b[key])}.`);
  if (found.length === 0)
    found.push(
      'Data, settings and machine are the same as far as they are recorded. Devices that do not repeat their sums, such as GPUs, end with other bytes.',
    );
  return found;
}
