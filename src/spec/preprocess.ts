/** The `preprocess` section of a spec: how a folder of images becomes a data set. */
import { z } from 'zod';
import { dicomKeyword } from './dicom-keywords.js';
import { notAvailable, uri } from './fields.js';

export const RESOLUTIONS = [16, 32, 64, 128, 256, 512, 1024] as const;

/** Values by DICOM keyword. */
const whereSchema = z.record(
  z.string().refine((name) => dicomKeyword(name) !== undefined, {
    error: 'must be a DICOM keyword such as ViewPosition, or the number of an element such as 00185101',
  }),
  z.union([z.string(), z.number(), z.array(z.union([z.string(), z.number()])).min(1)]),
);
export type WhereSpec = z.output<typeof whereSchema>;

const dicomSchema = z.strictObject({
  frames: z
    .union([z.enum(['first', 'middle']), z.int().min(0)])
    .default('first')
    .describe('Which frame of a file with several is used: first, middle, or its number from 0.'),
  window: z
    .union([z.string().min(1), z.strictObject({ center: z.number(), width: z.number().positive() })])
    .default('first')
    .describe(
      'Which values are shown: the first window of the file (its lookup table, if it has one), auto for percentiles of the pixels, full for their whole range, the name of a window, or center and width. Without a window, first is auto.',
    ),
});
export type DicomSpec = z.output<typeof dicomSchema>;

const privacySchema = z.strictObject({
  burnedIn: z
    .enum(['refuse', 'crop', 'warn'])
    .default('warn')
    .describe(
      'What is done with images that seem to have text in their pixels: refuse them, crop the margins with the text, or keep them and warn.',
    ),
});
export type PrivacySpec = z.output<typeof privacySchema>;

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
    .enum(['crop', 'pad'])
    .default('crop')
    .describe('How an image becomes square: central crop, or black borders.'),
  color: z.enum(['grayscale', 'rgb']).default('grayscale').describe('Channels of the output: 1 or 3.'),
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
  where: whereSchema
    .nullable()
    .default(null)
    .describe(
      'Only DICOM files with these values of tags, as in {ViewPosition: LATERAL}; a list names alternatives.',
    ),
  dicom: dicomSchema.prefault({}).describe('How DICOM files are rendered.'),
  privacy: privacySchema.prefault({}).describe('Text in the pixels of images.'),
  shardImages: z.int().min(1).max(10_000).default(256).describe('Images in one shard of the data set.'),
});

export type PreprocessSpec = z.output<typeof preprocessSchema>;
