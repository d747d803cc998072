/** The `generate` section of a spec: number and classes of the synthetic images. */
import { z } from 'zod';
import { enumWithFuture } from './fields.js';

const cardText = z.string().min(1).max(500).optional();

/** What only the user knows about a synthetic set; its data card says the rest. */
export const cardSchema = z.strictObject({
  modality: cardText.describe('What the real images are, such as knee radiographs, anteroposterior.'),
  intendedUse: cardText.describe('What the synthetic images are made for.'),
  license: cardText.describe('License of the synthetic images.'),
  contact: cardText.describe('Who answers questions about the set.'),
});
export type CardSpec = z.output<typeof cardSchema>;

export const generateSchema = z.strictObject({
  count: z.int().min(1).max(100_000_000).default(50_000).describe('Number of synthetic images.'),
  truncationPsi: z
    .number()
    .min(0)
    .max(2)
    .default(1)
    .describe('Truncation psi: 1 for full diversity; less for more typical images.'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0)
    .describe('Seed of image 0; image i has seed + i.'),
  classes: z
    .union([z.enum(['as-real', 'uniform']), z.array(z.string()).min(1)])
    .default('as-real')
    .describe('Class frequencies of the training set, uniform frequencies, or only these classes in turn.'),
  format: enumWithFuture(['png', 'dicom'], ['jpeg'])
    .default('png')
    .describe(
      'File format of the images: png, or dicom for secondary capture files that are marked as computer-generated.',
    ),
  shardImages: z.int().min(1).max(10_000).default(256).describe('Images per shard.'),
  rejectAbove: z
    .number()
    .min(0.5)
    .lt(1)
    .nullable()
    .default(null)
    .describe(
      'Write a second set without the images that are more unusual than this share of real ones, for example 0.99, and report the effect on recall. The evaluate stage judges the images and writes the set.',
    ),
  card: cardSchema.optional().describe('Facts for the data card of the synthetic set, DATA-CARD.md.'),
});

export type GenerateSpec = z.output<typeof generateSchema>;
