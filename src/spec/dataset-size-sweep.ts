/** The spec of a data-set-size sweep, which is the argument of the workflow `datasetSizeSweep`. */
import { z } from 'zod';
import type { PipelineSpec } from './pipeline.js';
import { checkComparable, MAX_RUNS, type RunOfSweep, sweepFields, sweepRunId } from './sweep.js';

const MAX_SIZES = 100;

const sizesSchema = z
  .array(z.int().min(2))
  .min(1, 'needs at least one size')
  .max(MAX_SIZES)
  .refine((sizes) => new Set(sizes).size === sizes.length, 'must not contain a size twice');

export const datasetSizeSweepSchema = z
  .strictObject({
    ...sweepFields,
    sizes: sizesSchema.describe(
      'Numbers of training images. Smaller subsets are contained in larger ones, with the same unseen images.',
    ),
    repeats: z
      .int()
      .min(1)
      .max(20)
      .default(3)
      .describe('Trainings of each size, which differ in their seed: train.seed of the run, + 1, + 2, ...'),
    modes: z
      .array(z.enum(['base', 'transfer']))
      .min(1)
      .default(['base'])
      .refine((modes) => new Set(modes).size === modes.length, 'must not contain a mode twice')
      .describe('base: trained from scratch; transfer: each size continues from the same trained model.'),
    transferFrom: z
      .string()
      .min(1)
      .default('largest')
      .describe(
        'Model of mode transfer: largest, which trains the largest size first, or what train.resume takes.',
      ),
    worthwhile: z
      .number()
      .positive()
      .nullable()
      .default(null)
      .describe(
        'Decrease of the metric per 100 more images that is worth collecting them; null: the spread over seeds, and at least 1 % of the metric.',
      ),
    growing: z
      .boolean()
      .default(false)
      .describe(
        'For a schedule over a growing source: sizes that an earlier sweep of the same settings has finished are kept, although the source has more images now.',
      ),
  })
  .superRefine((spec, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: path.split('.'), message });
    const { run } = spec;
    const runs = spec.sizes.length * spec.repeats * spec.modes.length;
    if (runs > MAX_RUNS) refuse('sizes', `give ${runs} runs; a sweep has at most ${MAX_RUNS}`);
    checkComparable(spec, refuse);
    if (run.preprocess && run.preprocess.limit !== null)
      refuse('run.preprocess.limit', 'must be left out: the sweep sets it to each size');
    if (!spec.modes.includes('transfer')) return;
    if (run.train.resume !== null)
      refuse('run.train.resume', 'must be left out: mode transfer sets it (transferFrom)');
    if (spec.growing && spec.transferFrom === 'largest')
      refuse('transferFrom', 'must name a model when the source grows: the largest size may come later');
  });

export type DatasetSizeSweepInput = z.input<typeof datasetSizeSweepSchema>;
export type DatasetSizeSweepSpec = z.output<typeof datasetSizeSweepSchema>;

export const addSizesSchema = z.strictObject({ sizes: sizesSchema });
export type AddSizesInput = z.output<typeof addSizesSchema>;

/** One run of the sweep. */
export interface SizePoint {
  mode: 'base' | 'transfer';
  /** Training images. */
  size: number;
  /** From 0. */
  repeat: number;
}

/**
 * The runs of some sizes, in the order in which they start: the model that others continue from
 * first, then the first repeat of every size before the second, so that early results cover all
 * sizes.
 */
export function pointsOf(spec: DatasetSizeSweepSpec, sizes: readonly number[] = spec.sizes): SizePoint[] {
  const points: SizePoint[] = [];
  const source = sourcePoint(spec);
  if (source) points.push(source);
  const descending = [...sizes].sort((a, b) => b - a);
  for (let repeat = 0; repeat < spec.repeats; repeat++)
    for (const mode of spec.modes)
      for (const size of descending)
        if (!(source && isSamePoint(source, { mode, size, repeat }))) points.push({ mode, size, repeat });
  return points;
}

/** The run whose model mode `transfer` continues from; null when another one is named. */
export function sourcePoint({ modes, transferFrom, sizes }: DatasetSizeSweepSpec): SizePoint | null {
  if (!modes.includes('transfer') || transferFrom !== 'largest') return null;
  return { mode: 'base', size: Math.max(...sizes), repeat: 0 };
}

export function isSamePoint(a: SizePoint, b: SizePoint): boolean {
  return a.mode === b.mode && a.size === b.size && a.repeat === b.repeat;
}

/** The run at a point. */
export function runAtPoint(sweepId: string, point: SizePoint): RunOfSweep<SizePoint> {
  return { runId: pointRunId(sweepId, point), point };
}

/** `<sweep>-200-0`, and `<sweep>-transfer-200-0`. */
export function pointRunId(sweepId: string, { mode, size, repeat }: SizePoint): string {
  return sweepRunId(sweepId, ...(mode === 'transfer' ? [mode] : []), size, repeat);
}

/** The spec of one run. */
export function pointSpec(sweepId: string, spec: DatasetSizeSweepSpec, point: SizePoint): PipelineSpec {
  const { run } = spec;
  const source = sourcePoint(spec);
  const from = source ? pointRunId(sweepId, source) : spec.transferFrom;
  const resume = point.mode === 'transfer' ? from : run.train.resume;
  return {
    ...run,
    ...(run.preprocess && { preprocess: { ...run.preprocess, limit: point.size } }),
    train: { ...run.train, seed: run.train.seed + point.repeat, resume },
  };
}

export function pointLabel({ mode, size, repeat }: SizePoint): string {
  return `${size} images${mode === 'transfer' ? ', transfer' : ''}, repeat ${repeat + 1}`;
}
