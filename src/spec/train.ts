/** The `train` section of a spec: networks, hyperparameters, length and convergence. */
import { z } from 'zod';
import { DISTANCE_NAMES } from './metrics.js';
import { OFFICIAL_DEFAULTS, checkOfficialSettings } from './official-trainer.js';
import { MAX_BATCH, checkBatch } from './micro-batches.js';

/** Named sets of augmentations; described in docs/augmentation.md. */
export const AUGMENTATION_SET_NAMES = [
  'blit',
  'geom',
  'color',
  'filter',
  'noise',
  'cutout',
  'bg',
  'bgc',
  'bgcf',
  'bgcfn',
  'bgcfnc',
  'medical',
] as const;
export type AugmentationSetName = (typeof AUGMENTATION_SET_NAMES)[number];

const positive = z.number().positive();
const auto = z.literal('auto');

/**
 * Settings that only the official trainer has. docs/official-trainer.md maps the other keys to its
 * options.
 */
const officialSchema = z
  .strictObject({
    gpus: z
      .int()
      .min(1)
      .max(64)
      .default(OFFICIAL_DEFAULTS.gpus)
      .describe('Number of GPUs; each trains on an equal share of the batch.'),
    workers: z.int().min(1).max(64).default(OFFICIAL_DEFAULTS.workers).describe('Data loader processes.'),
    fp32: z.boolean().default(OFFICIAL_DEFAULTS.fp32).describe('Use float32 in all layers.'),
  })
  .prefault({})
  .describe('Settings of engine stylegan3.');

const settings = z.strictObject({
  engine: z
    .enum(['tfjs', 'stylegan3'])
    .default('tfjs')
    .describe('Training engine: the built-in one, or your own checkout of the official trainer.'),
  stylegan3: officialSchema,
  cfg: z
    .enum(['auto', 'stylegan2', 'stylegan3-t', 'stylegan3-r'])
    .default('auto')
    .describe(
      'Network architecture; stylegan3-t is equivariant to translation, stylegan3-r also to rotation; auto: stylegan2 on a CPU, stylegan3-t on a GPU.',
    ),
  kimg: positive.max(1e6).default(25_000).describe('Length of the training in thousands of real images.'),
  batch: z.int().min(2).max(MAX_BATCH).default(32).describe('Images per step.'),
  batchGpu: z
    .union([auto, z.int().min(1).max(MAX_BATCH)])
    .default('auto')
    .describe(
      'Micro-batch size: gradients of a batch are accumulated over micro-batches of this size; auto: the largest size that fits in memory.',
    ),
  gamma: z
    .union([auto, z.number().min(0)])
    .default('auto')
    .describe('R1 regularization weight; auto: 0.0002 * resolution^2 / batch.'),
  glr: z
    .union([auto, positive.max(1)])
    .default('auto')
    .describe('Learning rate of the generator.'),
  dlr: z
    .union([auto, positive.max(1)])
    .default('auto')
    .describe('Learning rate of the discriminator.'),
  emaKimg: z
    .union([auto, positive])
    .default('auto')
    .describe('Half-life of the exponential moving average of the generator weights in kimg.'),
  cbase: z
    .int()
    .min(16)
    .max(65_536)
    .default(32_768)
    .describe(
      'Channels per layer: min(cbase / resolution, cmax); twice that in the generator of stylegan3-r.',
    ),
  cmax: z.int().min(4).max(1024).default(512),
  mapDepth: z
    .union([auto, z.int().min(1).max(16)])
    .default('auto')
    .describe('Layers of the mapping network; auto: 8 for stylegan2, 2 for stylegan3.'),
  zDim: z.int().min(4).max(1024).default(512),
  wDim: z.int().min(4).max(1024).default(512),
  aug: z
    .enum(['auto', 'none', 'ada', 'fixed'])
    .default('auto')
    .describe(
      'Discriminator augmentation: none, adaptive (ada), or with fixed probability; auto: ada below 100,000 training images.',
    ),
  augPipe: z
    .enum(['auto', ...AUGMENTATION_SET_NAMES])
    .default('auto')
    .describe(
      'Set of augmentations; auto: medical for gray images, bgc for RGB; engine stylegan3 requires an explicit bgc.',
    ),
  target: z
    .number()
    .min(-1)
    .max(1)
    .default(0.6)
    .describe('Target of aug ada for the mean sign of the discriminator on real images.'),
  p: z.number().min(0).max(1).default(0.2).describe('Augmentation probability of aug fixed.'),
  adaKimg: z
    .union([auto, positive])
    .default('auto')
    .describe(
      'Adjustment speed of aug ada: kimg in which the probability can rise from 0 to 1; auto: 500, or 100 with resume.',
    ),
  cond: z
    .union([auto, z.boolean()])
    .default('auto')
    .describe('Class-conditional training; auto: if the data set has labels.'),
  mirror: z.boolean().default(false).describe('Flip images left-right at random, with probability 0.5.'),
  resume: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Transfer learning from a run, a checkpoint, imported weights, or the address of a weights file.',
    ),
  freezed: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe('Number of discriminator layers to freeze, starting at the input.'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
  threads: z
    .union([auto, z.int().min(1).max(1024)])
    .default('auto')
    .describe('CPU threads; auto: all CPUs.'),
  mode: z
    .enum(['graph', 'eager'])
    .default('graph')
    .describe('Compiled steps, or eager execution for debugging.'),
  precision: z
    .enum(['auto', 'float32', 'float16', 'bfloat16'])
    .default('auto')
    .describe(
      'Data type of the four highest resolutions; the others use float32; auto: float16 on a GPU, float32 on a CPU.',
    ),
  tf32: z
    .boolean()
    .default(false)
    .describe(
      'Allow TF32 for float32 matrix products and convolutions on a GPU: faster, with a 10-bit mantissa.',
    ),
  xla: z.union([auto, z.boolean()]).default('auto').describe('Compile steps with XLA; auto: false.'),
  snapshotKimg: positive
    .default(40)
    .describe('Interval of snapshots (preview, metrics and checkpoint) in kimg.'),
  checkpointMinutes: positive.default(10).describe('Maximum time between checkpoints in minutes.'),
  keepCheckpoints: z
    .int()
    .min(2)
    .default(3)
    .describe('Number of full checkpoints to keep; of older snapshots only the generator is kept.'),
  keepSnapshots: z
    .strictObject({
      best: z.int().min(1).default(5).describe('So many with the lowest metric.'),
      last: z.int().min(1).default(5).describe('So many of the newest.'),
      every: z
        .int()
        .min(1)
        .nullable()
        .default(1)
        .describe('Every so many-th, counted from the start; null: only the best and the newest.'),
    })
    .prefault({})
    .describe('Older snapshots whose generator is kept: what any of the three names.'),
  snapshotMetrics: z.array(z.enum(DISTANCE_NAMES)).default(['fd_effnetlite0']),
  snapshotImages: z
    .int()
    .min(16)
    .max(50_000)
    .default(1_000)
    .describe('Synthetic images for the metrics of a snapshot.'),
  stopWhen: z
    .strictObject({
      metric: z.enum(DISTANCE_NAMES).default('fd_effnetlite0'),
      patience: z.int().min(1).default(5).describe('Snapshots without improvement before the training ends.'),
      minDelta: z
        .number()
        .min(0)
        .default(0)
        .describe('Minimum decrease of the metric that counts as an improvement.'),
    })
    .nullable()
    .prefault({})
    .describe('Convergence criterion; null: train for all kimg.'),
});

export const trainSchema = settings.superRefine(checkBatch).superRefine(checkOfficialSettings);

export type TrainSpec = z.output<typeof trainSchema>;
