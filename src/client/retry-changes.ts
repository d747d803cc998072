/** What a retry may change: not what the checkpoints of the run were trained with. */
import { type CheckpointManifest, findManifest, newestListed } from '../checkpoints/index.js';
import { SpecError } from '../core/errors.js';
import type { PipelineInput } from '../spec/pipeline.js';
import type { PreprocessSpec } from '../spec/preprocess.js';
import type { TrainSpec } from '../spec/train.js';
import { canonicalJson, type ObjectStore } from '../storage/index.js';

export interface RetryChanges {
  /** Applies what the user changes to the recorded spec, and validates it. */
  apply: (recorded: unknown) => PipelineInput;
  /** The keys that the user gives, as in `train.kimg`. */
  keys: readonly string[];
}

type Section = Record<string, unknown>;

/** Keys that neither the networks, nor the optimization, nor the images depend on. */
const FREE: { train: (keyof TrainSpec)[]; preprocess: (keyof PreprocessSpec)[] } = {
  train: [
    ...(['kimg', 'stopWhen', 'snapshotKimg', 'snapshotMetrics', 'snapshotImages'] as const),
    ...(['checkpointMinutes', 'keepCheckpoints', 'keepSnapshots', 'threads', 'mode', 'tf32', 'xla'] as const),
  ],
  preprocess: ['source', 'maxRejected'],
};

/** Keys whose `auto` is what the newest checkpoint has. */
const KEPT_BY_AUTO = ['cfg', 'aug', 'batchGpu', 'precision'];

/**
 * @param recorded the spec as the run has recorded it
 * @throws SpecError for a change with which the training could not resume from its checkpoints
 */
export async function refuseOtherTraining(
  store: ObjectStore,
  runId: string,
  { recorded, changed, keys }: { recorded: unknown; changed: PipelineInput; keys: readonly string[] },
): Promise<void> {
  if (changed.stages?.includes('train') === false) return;
  const newest = await newestListed(store, runId);
  const manifest = newest && (await findManifest(store, newest.prefix));
  if (!manifest) return;
  for (const section of ['train', 'preprocess'] as const) {
    const [before, after] = [sectionOf(recorded, section), sectionOf(changed, section)];
    for (const key of Object.keys(after)) {
      if (!isNamed(keys, section, key) || (FREE[section] as string[]).includes(key)) continue;
      const [old, value] = [settingOf(before, key), settingOf(after, key)];
      if (isSame(old, value) || (section === 'train' && isOfCheckpoint(manifest, key, value))) continue;
      throw belongsToCheckpoints(runId, { section, key, old });
    }
  }
}

/** Whether one of the keys is this one, its section, or inside of it. */
function isNamed(keys: readonly string[], section: string, key: string): boolean {
  const path = `${section}.${key}`;
  return keys.some((name) => name === section || name === path || name.startsWith(`${path}.`));
}

function sectionOf(spec: unknown, section: 'train' | 'preprocess'): Section {
  return ((spec as Partial<Record<string, Section>> | null)?.[section] ?? {}) as Section;
}

/** The official trainer may distribute its work otherwise: that is left out. */
function settingOf(section: Section, key: string): unknown {
  if (key === 'stylegan3') return (section[key] as Partial<TrainSpec['stylegan3']> | undefined)?.fp32;
  return key === 'batchGpu' && section.engine === 'stylegan3' ? undefined : section[key];
}

/** Gives back what the checkpoints have. */
function isOfCheckpoint({ configuration }: CheckpointManifest, key: string, value: unknown): boolean {
  if (value === 'auto') return KEPT_BY_AUTO.includes(key);
  const { network, training } = configuration;
  const { cfg, half } = network;
  const has: Section = { batchGpu: training.batch, ...training, cfg, precision: half ?? 'float32' };
  return key in has && isSame(has[key], value);
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a ?? null) === canonicalJson(b ?? null);
}

function belongsToCheckpoints(
  runId: string,
  { section, key, old }: { section: 'train' | 'preprocess'; key: string; old: unknown },
): SpecError {
  return new SpecError({
    what: `the checkpoints of this run were trained with ${JSON.stringify(old)}, and resume with that only`,
    where: `${section}.${key}`,
    hint: `A retry may change ${FREE[section].join(', ')} of ${section}. For another value start a new run; \`--set train.resume=${runId}\` starts from the weights of this one.`,
  });
}
