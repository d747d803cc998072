/** The `evaluate` section of a spec: the metrics and the number of images. */
import { z } from 'zod';
import type { AnalysisName } from './analyses.js';
import { enumWithFuture } from './fields.js';
import { ganTrainTestSchema } from './gan-train-test.js';
import {
  type ExtractorName,
  extractorsOf,
  METRIC_NAMES,
  type MetricName,
  metricsOn,
  NETWORK_NAMES,
} from './metrics.js';

const FUTURE_METRICS = ['fid'] as const;

/** Analyses of images; the classifiers of GAN-train/GAN-test are trained apart. */
export const IMAGE_ANALYSES = ['memorization', 'artifacts', 'nuisances'] as const satisfies AnalysisName[];
export type ImageAnalysis = (typeof IMAGE_ANALYSES)[number];

export const evaluateSchema = z.strictObject({
  extractor: z
    .enum(NETWORK_NAMES)
    .default('effnetlite0')
    .describe(
      'Network whose features the metrics compare; all but effnetlite0 need imported weights (gist weights fetch).',
    ),
  metrics: z
    .union([z.literal('auto'), z.array(enumWithFuture(METRIC_NAMES, FUTURE_METRICS)).min(1)])
    .default('auto')
    .describe('Metrics by name, each with its extractor; auto: all metrics of sets on the extractor.'),
  maxImages: z
    .int()
    .min(16)
    .default(50_000)
    .describe('Maximum number of images of each set for the metrics.'),
  generatorImages: z
    .int()
    .min(16)
    .default(1_024)
    .describe(
      'Images (pairs of images) for metrics of the generator: ppl_<network>, eqt50k_int, eqt50k_frac, eqr.',
    ),
  ganTrainTest: z
    .union([
      ganTrainTestSchema,
      z.boolean().transform((asked) => (asked ? ganTrainTestSchema.parse({}) : null)),
      z.null(),
    ])
    .default(null)
    .describe(
      'Classifiers on real and synthetic images (GAN-train and GAN-test), for labeled data sets; true: with all defaults.',
    ),
  analyses: z
    .union([z.literal('auto'), z.array(z.enum(IMAGE_ANALYSES))])
    .default('auto')
    .describe('Analyses of the synthetic images; auto: all; []: none.'),
});

export type EvaluateSpec = z.output<typeof evaluateSchema>;

/** The metrics that a spec asks for. */
export function selectedMetrics({
  extractor,
  metrics,
}: Pick<EvaluateSpec, 'extractor' | 'metrics'>): MetricName[] {
  return metrics === 'auto' ? metricsOn(extractor) : metrics;
}

/** The analyses that a spec asks for. Specs of runs of earlier versions do not have the key. */
export function selectedAnalyses({
  analyses = 'auto',
}: Partial<Pick<EvaluateSpec, 'analyses'>>): readonly ImageAnalysis[] {
  return analyses === 'auto' ? IMAGE_ANALYSES : IMAGE_ANALYSES.filter((name) => analyses.includes(name));
}

/** The extractors of the metrics and of the analyses that a spec asks for, each once. */
export function evaluationExtractors(spec: EvaluateSpec): ExtractorName[] {
  const analyzed = selectedAnalyses(spec).length > 0 ? [spec.extractor] : [];
  return [...new Set([...extractorsOf(selectedMetrics(spec)), ...analyzed])];
}
