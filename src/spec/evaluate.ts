/** The `evaluate` section of a spec: metrics and the features that they are computed on. */
import { z } from 'zod';
import { enumWithFuture } from './fields.js';

export const METRICS = ['fd_effnetlite0', 'kid_effnetlite0', 'pr_effnetlite0'] as const;
const FUTURE_METRICS = ['fid50k_full', 'kid50k_full', 'pr50k3_full', 'fid'] as const;

export const evaluateSchema = z.strictObject({
  metrics: z
    .array(enumWithFuture(METRICS, FUTURE_METRICS))
    .min(1)
    .default([...METRICS]),
  extractor: enumWithFuture(['auto', 'effnetlite0'], ['inception']).default('auto'),
  maxImages: z
    .int()
    .min(16)
    .default(50_000)
    .describe('Maximum number of images of each set for the metrics.'),
  ganTrainTest: z
    .null({ error: 'GAN-train/GAN-test classifiers are not available in this version; omit the key' })
    .default(null),
  memorisation: z
    .literal(false, { error: 'memorization tests are not available in this version; omit the key' })
    .default(false),
});

export type EvaluateSpec = z.output<typeof evaluateSchema>;
