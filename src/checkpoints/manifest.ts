/** What a training checkpoint is: its manifest, and the state of a training as named parts. */
import { z } from 'zod';
import { CheckpointError } from '../core/errors.js';
import type { CheckpointRef } from '../spec/results.js';
import { canonicalJson } from '../storage/digest.js';
import { partSchema } from '../storage/manifest.js';

/** File names (without the attempt) of the parts that a checkpoint has. */
export const CHECKPOINT_PARTS = {
  generator: 'G.safetensors',
  discriminator: 'D.safetensors',
  generatorEma: 'G_ema.safetensors',
  optimizer: 'optimizer.safetensors',
  stats: 'stats.jsonl',
  preview: 'preview.png',
  /** Of engine stylegan3: the file of train.py, the only one that it can resume from. */
  official: 'network-snapshot.pkl',
} as const;

export const MANIFEST = 'manifest.json';

export function manifestKey(prefix: string): string {
  return `${prefix}${MANIFEST}`;
}

/** What remains of an older snapshot when its full state is no longer needed. */
export const LASTING_PARTS: readonly string[] = [CHECKPOINT_PARTS.generatorEma, CHECKPOINT_PARTS.preview];

/**
 * What the bytes of a training depend on besides its settings; with equal values a resumed training
 * is bit-exact on a CPU. Kernels of a GPU add in an order that changes from run to run.
 */
const numericEnvironmentSchema = z.object({
  /** CPU threads of TensorFlow. */
  threads: z.int(),
  /** Numeric library and version. */
  library: z.string(),
  /** Instruction sets that kernels choose by. */
  cpuFeatures: z.array(z.string()),
  platform: z.string(),
  mode: z.enum(['graph', 'eager']),
  /** Whether graphs were compiled by XLA; left out where not. */
  xla: z.literal(true).optional(),
  /** Whether products of float32 were computed in TF32 on a GPU; left out where not. */
  tf32: z.literal(true).optional(),
  /** Environment variables of the numeric library; absent in checkpoints of earlier versions. */
  variables: z.record(z.string(), z.string()).optional(),
  /**
   * SHA-256 of the compiled step: another version of this program may compute otherwise. Absent in
   * eager mode and in earlier versions.
   */
  graph: z.string().optional(),
  /** The graphics card and its driver; absent on a CPU and in checkpoints of earlier versions. */
  card: z.string().optional(),
});
export type NumericEnvironment = z.output<typeof numericEnvironmentSchema>;

const settings = z.record(z.string(), z.json());

/** What must be equal for a training to resume from a checkpoint. */
const configurationSchema = z.object({
  /** Absent in checkpoints of versions that had only one engine: tfjs. */
  engine: z.enum(['tfjs', 'stylegan3']).optional(),
  /** Sizes of the networks. */
  network: settings,
  /** Settings of the optimization and the data order. */
  training: settings,
  /** Digest or prefix of the data set. */
  dataset: z.string(),
});
export type TrainingConfiguration = z.output<typeof configurationSchema>;

/** Running sums of one statistic since the last line of stats.jsonl: count, sum, sum of squares. */
const momentsSchema = z.tuple([z.number(), z.number(), z.number()]);

/** Everything of a training that is not a variable on the device. */
export const countersSchema = z.object({
  /** Optimization steps taken. */
  step: z.int().min(0),
  /** Real images shown. */
  images: z.int().min(0),
  /** Images drawn from the data order; epoch and position in it follow from the data set's size. */
  dataPosition: z.int().min(0),
  /**
   * Strength of the augmentation, and what its controller has collected since its last update:
   * images and sum of signs.
   */
  augmentation: z.object({
    p: z.number(),
    images: z.int().min(0).default(0),
    signs: z.number().default(0),
  }),
  tick: z.object({
    /** Lines of stats.jsonl written. */
    index: z.int().min(0),
    startImages: z.int().min(0),
    startSeconds: z.number(),
    moments: z.record(z.string(), momentsSchema),
  }),
  /** Seconds of training so far, over all attempts. */
  seconds: z.number(),
});
export type TrainingCounters = z.output<typeof countersSchema>;

export const manifestSchema = z.object({
  version: z.literal(1),
  kimg: z.number(),
  step: z.int(),
  /**
   * Whether it is a snapshot (at a multiple of `snapshotKimg`, or at the end), which metrics are
   * computed on.
   */
  snapshot: z.boolean(),
  /** Which training wrote it, see the list; absent in checkpoints of earlier versions. */
  training: z.string().optional(),
  /** Which claim on the training wrote it; later ones are larger. */
  claim: z.int(),
  configuration: configurationSchema,
  counters: countersSchema,
  numericEnvironment: numericEnvironmentSchema,
  /** Classes in label order with the number of training images of each; null when unconditional. */
  classes: z.array(z.object({ name: z.string(), images: z.int().min(0) })).nullable(),
  parts: z.record(z.string(), partSchema),
});
export type CheckpointManifest = z.output<typeof manifestSchema>;

/** A checkpoint read back and verified; `parts` are by their names in {@link CHECKPOINT_PARTS}. */
export interface LoadedCheckpoint {
  ref: CheckpointRef;
  manifest: CheckpointManifest;
  manifestSha256: string;
  parts: Record<string, Uint8Array>;
}

/** Key prefix of everything that the training of a run writes. */
export function trainPrefix(runId: string): string {
  return `runs/${runId}/train/`;
}

/** Key prefix of one checkpoint: sorts by length of training. */
export function checkpointPrefix(runPrefix: string, { kimg, step }: { kimg: number; step: number }): string {
  return `${runPrefix}checkpoint-${kimg.toFixed(3).padStart(10, '0')}-step${String(step).padStart(9, '0')}/`;
}

/** `G.safetensors` -> `G.claim3.safetensors`: two attempts never write the same object. */
export function partKey(name: string, claim: number): string {
  const dot = name.lastIndexOf('.');
  return `${name.slice(0, dot)}.claim${claim}${name.slice(dot)}`;
}

/** Which part holds a variable, by the network that it belongs to. */
export function partOfVariable(name: string): string {
  if (name.startsWith('G_ema.')) return CHECKPOINT_PARTS.generatorEma;
  if (name.startsWith('G.')) return CHECKPOINT_PARTS.generator;
  if (name.startsWith('D.')) return CHECKPOINT_PARTS.discriminator;
  return CHECKPOINT_PARTS.optimizer;
}

/**
 * Refuses a checkpoint that belongs to another training.
 *
 * @throws CheckpointError naming the first field that differs, what was given and what was
 *   expected.
 */
export function assertSameConfiguration(
  expected: TrainingConfiguration,
  manifest: Pick<CheckpointManifest, 'configuration'>,
  where: string,
): void {
  const found = manifest.configuration;
  check('engine', found.engine ?? 'tfjs', expected.engine ?? 'tfjs', where);
  for (const part of ['network', 'training'] as const) {
    const fields = new Set([...Object.keys(expected[part]), ...Object.keys(found[part])]);
    for (const field of [...fields].sort())
      check(`${part}.${field}`, found[part][field], expected[part][field], where);
  }
  check('dataset', found.dataset, expected.dataset, where);
}

function check(field: string, found: unknown, expected: unknown, where: string): void {
  const [a, b] = [canonicalJson(found ?? null), canonicalJson(expected ?? null)];
  if (a === b) return;
  throw new CheckpointError({
    what: `the checkpoint was written with ${field} = ${a}, this training wants ${b}`,
    where,
    hint: 'Train with the settings of the checkpoint, or start a new run.',
  });
}
