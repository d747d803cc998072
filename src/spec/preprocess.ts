/** The `preprocess` section of a spec: how a folder of images becomes a data set. */
import { z } from 'zod';
import { notAvailable, uri } from './fields.js';

export const RESOLUTIONS = [16, 32, 64, 128, 256, 512, 1024] as const;

const percentile = z.number().min(0).max(100);

export const preprocessSchema = z.strictObject({
  source: uri.describe('Folder or .zip of images: a path, file:///..., or s3://bucket/prefix.'),
  labels: z
    .union([
      z.enum(['folders', 'none']),
      z.strictObject({ csv: uri }).superRefine(notAvailable('labels from a CSV file')),
      z.strictObject({ json: uri }).superRefine(notAvailable('labels from a JSON file')),
    ])
    .default('folders')
    .describe('Where classes come from: the first folder level, or none.'),
  resolution: z
    .literal(RESOLUTIONS)
    .default(256)
    .describe('Side of the square output image in pixels, a power of two.'),
  square: z
    .enum(['crop', 'pad', 'wide', 'tall'])
    .default('crop')
    .describe(
      'How an image becomes square: central crop, black borders, or a central crop of 4:3 (wide) or 3:4 (tall) with black borders.',
    ),
  autocrop: z
    .boolean()
    .default(false)
    .describe('Trim uniform borders, as collimation leaves them, before the image becomes square.'),
  contrast: z
    .enum(['none', 'stretch', 'clahe'])
    .default('none')
    .describe(
      'Contrast of each image: unchanged, percentiles 1 and 99 stretched to 0 and 255, or contrast-limited adaptive histogram equalization.',
    ),
  color: z.enum(['grayscale', 'rgb']).default('grayscale').describe('Channels of the output: 1 or 3.'),
  window: z
    .union([
      z.enum(['auto', 'full']),
      z.strictObject({ bits: z.int().min(8).max(16) }),
      z
        .strictObject({ percentiles: z.tuple([percentile, percentile]) })
        .refine(
          ({ percentiles: [low, high] }) => low < high,
          'the first percentile must be below the second',
        ),
    ])
    .default('auto')
    .describe(
      'Values of 16-bit images that become 0 to 255, for the whole data set: chosen from a sample of the images, all 16 bits, the lower bits, or percentiles of the sample.',
    ),
  strict: z
    .boolean()
    .default(false)
    .describe('Reject images with faults that do not change the pixels, such as a missing end marker.'),
  holdout: z
    .strictObject({
      fraction: z
        .number()
        .min(0)
        .max(0.9)
        .default(0.2)
        .describe('Fraction of each class that is excluded from training.'),
      seed: z.int().min(0).default(0),
      by: z
        .enum(['image', 'patient'])
        .default('image')
        .superRefine((value, context) => {
          if (value === 'patient') notAvailable('a holdout by patient')(value, context);
        }),
    })
    .prefault({})
    .describe('Images excluded from training, stratified by class, for an unbiased evaluation.'),
  limit: z
    .int()
    .min(2)
    .nullable()
    .default(null)
    .describe('Train on a random subset of this many images; smaller subsets are contained in larger ones.'),
  mirror: z.boolean().default(false).describe('Add a left-right flipped copy of every training image.'),
  maxRejected: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('Fraction of unreadable images above which the stage fails; up to it they are skipped.'),
  shardImages: z.int().min(1).max(10_000).default(256).describe('Images in one shard of the data set.'),
});

export type PreprocessSpec = z.output<typeof preprocessSchema>;
