/** One optimization step: the scheduled phases, with feeds that depend on (seed, step) only. */
import { RandomStream } from '../core/random.js';
import { adapt } from '../gan/augment/controller.js';
import { blurMatrix } from '../gan/loss/blur.js';
import { FEEDS_BY_IMAGE, type FeedName } from '../gan/loss/feeds.js';
import { takeHostRows } from '../gan/loss/micro-batches.js';
import type { ScheduledPhase } from '../gan/loss/step-plan.js';
import type { Feeds, Program, Values } from '../nn/program/program.js';
import type { Training } from './training.js';

/** What a step needs of a training. */
type SteppedTraining = Pick<
  Training,
  'config' | 'options' | 'data' | 'definition' | 'schedule' | 'program' | 'counters'
>;

/**
 * Runs the phases that are due, and advances the counters and the strength of the augmentation.
 *
 * @returns the outputs of the phases, by statistic
 */
export async function takeStep(training: SteppedTraining): Promise<Values> {
  const { counters, options, schedule } = training;
  const outputs: Values = {};
  for (const scheduled of schedule) {
    if (counters.step % scheduled.interval === 0) Object.assign(outputs, await runPhase(training, scheduled));
  }
  counters.step += 1;
  counters.images += options.batch;
  counters.dataPosition += options.batch;
  const signs = outputs['Loss/signs/real'] as Float32Array;
  counters.augmentation = adapt(counters.augmentation, options.augmentation, signs, counters.step);
  return outputs;
}

/**
 * A phase on all of its images: micro-batch after micro-batch, with what comes before and after
 * them.
 */
async function runPhase(
  training: SteppedTraining,
  { phase, microBatches, measure, apply }: ScheduledPhase,
): Promise<Values> {
  const { program, options } = training;
  const feeds = minibatchFeeds(training, phase);
  const feedsOfEach = microBatches.map((rows) => microBatchFeeds(feeds, options.batch, rows));
  if (measure) {
    const { lengths = new Float32Array() } = await runEach(program, measure, feedsOfEach);
    const lengthMean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    for (const fed of feedsOfEach) fed.lengthMean = Float32Array.of(lengthMean);
  }
  const outputs = await runEach(program, phase, feedsOfEach);
  if (apply) await program.run(apply, {});
  return outputs;
}

/** Runs a phase once for each micro-batch, and concatenates the outputs. */
async function runEach(program: Program, phase: string, feedsOfEach: readonly Feeds[]): Promise<Values> {
  const parts: Values[] = [];
  for (const feeds of feedsOfEach) parts.push(await program.run(phase, feeds));
  const names = Object.keys(parts[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, Float32Array.from(parts.flatMap((part) => [...(part[name] ?? [])]))]),
  );
}

/** Values of the feeds that a phase declares, for the whole minibatch. */
function minibatchFeeds(training: SteppedTraining, phase: string): Feeds {
  const { config, options, data, definition, counters } = training;
  const declared = definition.phases[phase]?.feeds ?? {};
  const { batch, blur } = options;
  // Real images bring their labels; those of generated images are drawn from the training set.
  const minibatch = declared.real ? data.batch(counters.dataPosition, batch) : null;
  const randomLabels = () => data.randomLabels(`labels of ${phase}`, counters.step * batch, batch);
  const values: Record<Exclude<FeedName, 'lengthMean'>, () => Feeds[string] | undefined> = {
    seed: () => phaseSeed(options.seed, phase, counters.step),
    real: () => minibatch?.real,
    labels: () => minibatch?.labels ?? randomLabels(),
    rows: () => Int32Array.from({ length: batch }, (_, row) => row),
    p: () => Float32Array.of(counters.augmentation.p),
    blur: () => (blur ? blurMatrix(config.resolution, blur, counters.images) : undefined),
    beta: () => Float32Array.of(emaBeta(training)),
  };
  const feeds: Feeds = {};
  for (const [name, compute] of Object.entries(values)) {
    const value = declared[name] && compute();
    if (value) feeds[name] = value;
  }
  return feeds;
}

/**
 * The same feeds for one micro-batch: its rows of what has one row for each image, and all of the
 * rest.
 */
function microBatchFeeds(feeds: Feeds, batch: number, rows: Int32Array): Feeds {
  const fed = { ...feeds };
  for (const name of FEEDS_BY_IMAGE) {
    const values = feeds[name];
    if (values) fed[name] = takeHostRows(values, batch, rows);
  }
  return fed;
}

/** 64 bits that no other phase or step of this training has. */
function phaseSeed(seed: number, phase: string, step: number): Int32Array {
  const bits = new RandomStream(seed, `phase ${phase}`, step).next();
  return Int32Array.of(Number(BigInt.asIntN(32, bits)), Number(BigInt.asIntN(32, bits >> 32n)));
}

/**
 * StyleGAN2-ADA's half-life with ramp-up: it grows with the images shown. Karras et al. 2020 (ADA),
 * appendix.
 */
function emaBeta({ counters, options }: SteppedTraining): number {
  const { emaKimg, emaRampup } = options;
  const most = emaRampup === null ? Number.POSITIVE_INFINITY : counters.images * emaRampup;
  const halfLife = Math.min(emaKimg * 1000, most);
  return 0.5 ** (options.batch / Math.max(halfLife, 1e-8));
}
