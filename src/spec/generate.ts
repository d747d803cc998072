/** The `generate` part of a spec: how many synthetic images, of which classes. */
import { z } from 'zod';
import { enumWithFuture } from './fields.js';

export const generateSchema = z.strictObject({
  count: z.int().min(1).max(100_000_000).default(50_000).describe('Synthetic images to make.'),
  truncationPsi: z.number().min(0).max(2).default(1).describe('1: full variety; lower: more typical images.'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0)
    .describe('Seed of image 0; image i has seed + i.'),
  classes: z
    .union([z.enum(['as-real', 'uniform']), z.array(z.string()).min(1)])
    .default('as-real')
    .describe('As often as in the training set, uniformly, or only these classes in turn.'),
  format: enumWithFuture(['png'], ['jpeg', 'dicom']).default('png'),
  shardImages: z.int().min(1).max(10_000).default(256).describe('Images in one shard.'),
});

export type GenerateSpec = z.output<typeof generateSchema>;
