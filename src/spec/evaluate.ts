/** The `evaluate` section of a spec: the metrics and the number of images. */
import { z } from 'zod';
import { enumWithFuture } from './fields.js';
import { METRIC_NAMES } from './metrics.js';

const FUTURE_METRICS = ['fid50k_full', 'kid50k_full', 'pr50k3_full', 'fid'] as const;

export const evaluateSchema = z.strictObject({
  metrics: z.array(enumWithFuture(METRIC_NAMES, FUTURE_METRICS)).min(1).default(METRIC_NAMES),
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
