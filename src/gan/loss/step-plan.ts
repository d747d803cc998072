/** The plan of a training step: its phases, when each runs, and on which images. */
import type { PhaseBody, PhaseSpec } from '../../nn/program/program.js';
import type { NetworkConfig } from '../config.js';
import { accumulate, applySums, type PhaseUpdates } from './accumulation.js';
import { discriminatorMain, discriminatorR1 } from './discriminator-loss.js';
import { type FeedName, feedSpecs } from './feeds.js';
import { withFiniteGradients } from './finite-gradients.js';
import { generatorMain } from './generator-loss.js';
import { microBatchRows } from './micro-batches.js';
import {
  generatorPathLength,
  measurePathLengths,
  microBatchPathLength,
  pathLengthImages,
  pathLengthMicroBatch,
} from './path-length.js';
import type { PhaseContext } from './phase-context.js';
import { ema, runningMeans } from './weight-average.js';

/** One phase of a step. */
export interface ScheduledPhase {
  /** Name of the phase; it runs once for each micro-batch. */
  readonly phase: string;
  /** It runs at the steps that are multiples of this. */
  readonly interval: number;
  /** Rows of the minibatch in each micro-batch, in the order in which they run. */
  readonly microBatches: readonly Int32Array[];
  /**
   * Phase that runs before it, once for each micro-batch; the mean of its output `lengths` is the
   * feed `lengthMean`.
   */
  readonly measure?: string;
  /**
   * Phase that runs once after it and applies the accumulated gradients. Absent if there is only
   * one micro-batch.
   */
  readonly apply?: string;
}

/** The phases of a step, in order. */
export type Schedule = readonly ScheduledPhase[];

export interface StepPlan {
  schedule: Schedule;
  /** Every phase that the schedule names. */
  phases: Record<string, PhaseSpec>;
}

/**
 * StyleGAN2's training procedure (Karras et al. 2020, appendix B):
 *
 * 1. `generatorMain`
 * 2. `generatorPathLength`, every `plInterval` steps (absent when that is 0)
 * 3. `discriminatorMain`
 * 4. `discriminatorR1`, every `r1Interval` steps (absent when that is 0)
 * 5. `ema`, after 3, so that it copies the mean of w of this step
 *
 * Each of 1 to 4 is a step of the network's optimizer. Outputs have one value for each image.
 */
export function planStep(context: PhaseContext): StepPlan {
  const { plInterval, r1Interval } = context.options;
  const plans = [
    planGeneratorMain(context),
    ...(plInterval > 0 ? [planPathLength(context)] : []),
    planDiscriminatorMain(context),
    ...(r1Interval > 0 ? [planR1(context)] : []),
    planEma(context),
  ];
  return {
    schedule: plans.flatMap(({ schedule }) => schedule),
    phases: Object.assign({}, ...plans.map(({ phases }) => phases)) as StepPlan['phases'],
  };
}

function planGeneratorMain(context: PhaseContext): StepPlan {
  const updates: PhaseUpdates = { optimizer: 'G', trained: context.trained.G };
  const spec = batchSpec(context, ['seed', 'labels', 'p', 'blur', 'rows'], generatorMain(context));
  return planBatchPhase(context, { phase: 'generatorMain', interval: 1 }, spec, updates);
}

function planDiscriminatorMain(context: PhaseContext): StepPlan {
  const { config, trained } = context;
  const updates: PhaseUpdates = { optimizer: 'D', trained: trained.D, assigned: runningMeans(config) };
  const feeds: FeedName[] = ['seed', 'real', 'labels', 'p', 'blur', 'rows'];
  const spec = batchSpec(context, feeds, discriminatorMain(context));
  return planBatchPhase(context, { phase: 'discriminatorMain', interval: 1 }, spec, updates);
}

function planR1(context: PhaseContext): StepPlan {
  const { options, trained } = context;
  const updates: PhaseUpdates = { optimizer: 'D', trained: trained.D };
  // Without augmentation it draws no random numbers.
  const feeds: FeedName[] = options.augmentation
    ? ['real', 'labels', 'seed', 'p', 'blur', 'rows']
    : ['real', 'labels', 'blur'];
  const spec = batchSpec(context, feeds, discriminatorR1(context));
  const when = { phase: 'discriminatorR1', interval: options.r1Interval };
  return planBatchPhase(context, when, spec, updates);
}

/**
 * Path lengths are measured on a part of a batch, and their mean over all micro-batches is needed
 * before the gradients.
 */
function planPathLength(context: PhaseContext): StepPlan {
  const { config, options, trained } = context;
  const phase = 'generatorPathLength';
  const images = pathLengthMicroBatch(options);
  const scheduled: ScheduledPhase = {
    phase,
    interval: options.plInterval,
    microBatches: microBatchRows(pathLengthImages(options), images),
  };
  const feeds: FeedName[] = ['seed', 'labels', 'rows'];
  const specOf = (names: FeedName[], body: PhaseBody): PhaseSpec => ({
    feeds: feedSpecs(context, images, names),
    body: guarded(config, body),
  });
  if (scheduled.microBatches.length === 1)
    return { schedule: [scheduled], phases: { [phase]: specOf(feeds, generatorPathLength(context)) } };
  const measure = `${phase}.measure`;
  const updates: PhaseUpdates = { optimizer: 'G', trained: trained.G, assigned: ['pl_mean'] };
  const spec = specOf([...feeds, 'lengthMean'], microBatchPathLength(context));
  const { schedule, phases } = withAccumulation({ ...scheduled, measure }, spec, updates);
  return { schedule, phases: { [measure]: specOf(feeds, measurePathLengths(context)), ...phases } };
}

/** The average needs no images. */
function planEma(context: PhaseContext): StepPlan {
  const { batch } = context.options;
  const spec: PhaseSpec = { feeds: feedSpecs(context, batch, ['beta']), body: ema(context) };
  const microBatches = microBatchRows(batch, batch);
  return { schedule: [{ phase: 'ema', interval: 1, microBatches }], phases: { ema: spec } };
}

/** A phase of the images of one micro-batch. */
function batchSpec(context: PhaseContext, feeds: readonly FeedName[], body: PhaseBody): PhaseSpec {
  const { config, options } = context;
  return { feeds: feedSpecs(context, options.batchGpu, feeds), body: guarded(config, body) };
}

/**
 * Applied before micro-batches are summed: one gradient that is not finite would make the sum not
 * finite.
 */
function guarded({ half }: NetworkConfig, body: PhaseBody): PhaseBody {
  return half ? withFiniteGradients(body) : body;
}

/** A phase of all images of the minibatch. */
function planBatchPhase(
  { options }: PhaseContext,
  when: Pick<ScheduledPhase, 'phase' | 'interval'>,
  spec: PhaseSpec,
  updates: PhaseUpdates,
): StepPlan {
  const scheduled = { ...when, microBatches: microBatchRows(options.batch, options.batchGpu) };
  if (scheduled.microBatches.length > 1) return withAccumulation(scheduled, spec, updates);
  return { schedule: [scheduled], phases: { [when.phase]: spec } };
}

function withAccumulation(scheduled: ScheduledPhase, spec: PhaseSpec, updates: PhaseUpdates): StepPlan {
  const { phase, microBatches } = scheduled;
  const apply = `${phase}.apply`;
  return {
    schedule: [{ ...scheduled, apply }],
    phases: { [phase]: accumulate(spec, microBatches.length, updates), [apply]: applySums(updates) },
  };
}
