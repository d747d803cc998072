/** The `train` part of a spec: which generator, on how many images, and when to stop. */
import { z } from 'zod';
import { OFFICIAL_DEFAULTS, refuseWhatOfficialLacks } from './official-trainer.js';
import { LARGEST_BATCH, refuseBatch } from './micro-batches.js';

/** Metrics that this version computes on snapshots; every name says which features it stands on. */
export const SNAPSHOT_METRICS = ['fd_effnetlite0', 'kid_effnetlite0'] as const;

/** Named sets of augmentations; docs/augmentation.md says what each does. */
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

/** What only the official trainer takes; docs/official-trainer.md says which of its options the other keys become. */
const officialSchema = z
  .strictObject({
    gpus: z.int().min(1).max(64).default(OFFICIAL_DEFAULTS.gpus).describe('GPUs that share a batch.'),
    workers: z
      .int()
      .min(1)
      .max(64)
      .default(OFFICIAL_DEFAULTS.workers)
      .describe('Processes that read images.'),
    fp32: z.boolean().default(OFFICIAL_DEFAULTS.fp32).describe('Single precision in every layer.'),
  })
  .prefault({})
  .describe('Of engine stylegan3 only.');

const settings = z.strictObject({
  engine: z
    .enum(['tfjs', 'stylegan3'])
    .default('tfjs')
    .describe('Who trains: the built-in engine, or your own checkout of the official trainer.'),
  stylegan3: officialSchema,
  cfg: z
    .enum(['auto', 'stylegan2', 'stylegan3-t', 'stylegan3-r'])
    .default('auto')
    .describe(
      'Network family; stylegan3-t follows translations of its features, stylegan3-r rotations too; auto: stylegan2 on a CPU, stylegan3-t on a GPU.',
    ),
  kimg: positive
    .max(1e6)
    .default(25_000)
    .describe('Length of the training in thousands of real images shown.'),
  batch: z.int().min(2).max(LARGEST_BATCH).default(32).describe('Images a step.'),
  batchGpu: z
    .union([auto, z.int().min(1).max(LARGEST_BATCH)])
    .default('auto')
    .describe(
      'Images in memory at once: gradients of a batch are accumulated over micro-batches of this size; auto: as many as fit into memory.',
    ),
  gamma: z
    .union([auto, z.number().min(0)])
    .default('auto')
    .describe('R1 weight; auto: 0.0002 * resolution^2 / batch.'),
  glr: z
    .union([auto, positive.max(1)])
    .default('auto')
    .describe('Learning rate of the generator.'),
  dlr: z
    .union([auto, positive.max(1)])
    .default('auto')
    .describe('Learning rate of the discriminator.'),
  emaKimg: z.union([auto, positive]).default('auto').describe('Half-life of the weight average in kimg.'),
  cbase: z
    .int()
    .min(16)
    .max(65_536)
    .default(32_768)
    .describe(
      'Channels at a resolution: min(cbase / resolution, cmax); twice that in the generator of stylegan3-r.',
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
      'Discriminator augmentation: none, adaptive, or of constant strength; auto: adaptive below 100,000 training images.',
    ),
  augPipe: z
    .enum(['auto', ...AUGMENTATION_SET_NAMES])
    .default('auto')
    .describe(
      'What augmentation may do; auto: medical for gray images, bgc for RGB; engine stylegan3 wants bgc said.',
    ),
  target: z
    .number()
    .min(-1)
    .max(1)
    .default(0.6)
    .describe('Of aug ada: mean sign of the discriminator on real images.'),
  p: z.number().min(0).max(1).default(0.2).describe('Of aug fixed: probability of each transformation.'),
  adaKimg: z
    .union([auto, positive])
    .default('auto')
    .describe(
      'Of aug ada: kimg in which the probability can go from 0 to 1; auto: 500, or 100 where resume is set.',
    ),
  cond: z
    .union([auto, z.boolean()])
    .default('auto')
    .describe('Class-conditional; auto: when the data set has labels.'),
  mirror: z.boolean().default(false).describe('Show every other image left-right flipped, at random.'),
  resume: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('Transfer: a run, a checkpoint, imported weights, or the address of a file of weights.'),
  freezed: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe('Layers of the discriminator, from the image on, that keep what they are.'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
  threads: z
    .union([auto, z.int().min(1).max(1024)])
    .default('auto')
    .describe('CPU threads; auto: all processors.'),
  mode: z.enum(['graph', 'eager']).default('graph').describe('Compiled steps, or op by op for debugging.'),
  precision: z
    .enum(['auto', 'float32', 'float16', 'bfloat16'])
    .default('auto')
    .describe(
      'Of the four highest resolutions, the rest being float32; auto: float16 on a GPU, float32 on a CPU.',
    ),
  tf32: z
    .boolean()
    .default(false)
    .describe('On a GPU: products of float32 in TF32, faster, with 10 bits of mantissa.'),
  xla: z
    .union([auto, z.boolean()])
    .default('auto')
    .describe('Compiled steps are compiled further, by XLA; auto: they are not.'),
  snapshotKimg: positive.default(40).describe('A preview, a metric and a checkpoint every so many kimg.'),
  checkpointMinutes: positive.default(10).describe('A checkpoint at least every so many minutes.'),
  keepCheckpoints: z
    .int()
    .min(2)
    .default(3)
    .describe('Full checkpoints kept; older snapshots keep their generator only.'),
  snapshotMetrics: z.array(z.enum(SNAPSHOT_METRICS)).default(['fd_effnetlite0']),
  snapshotImages: z
    .int()
    .min(16)
    .max(50_000)
    .default(1_000)
    .describe('Synthetic images a snapshot is judged on.'),
  stopWhen: z
    .strictObject({
      metric: z.enum(SNAPSHOT_METRICS).default('fd_effnetlite0'),
      patience: z.int().min(1).default(5).describe('Snapshots without improvement before the training ends.'),
      minDelta: z
        .number()
        .min(0)
        .default(0)
        .describe('Smaller improvements do not count, in units of the metric.'),
    })
    .nullable()
    .prefault({})
    .describe('Convergence; null runs all kimg.'),
});

export const trainSchema = settings.superRefine(refuseBatch).superRefine(refuseWhatOfficialLacks);

export type TrainSpec = z.output<typeof trainSchema>;
