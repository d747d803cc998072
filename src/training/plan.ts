/**
 * The networks and the optimization of a training: from its spec, its data set, and the checkpoint
 * that it resumes from.
 */
import type { CheckpointManifest, TrainingConfiguration } from '../checkpoints/manifest.js';
import { DatasetError } from '../core/errors.js';
import { resolveAugmentation } from '../gan/augment/options.js';
import type { NetworkConfig } from '../gan/config.js';
import { resolveTrainingOptions, type TrainingOptions } from '../gan/loss/options.js';
import type { ClassShare } from '../generation/classes.js';
import { usesGpu } from '../nn/tensorflow.js';
import type { TrainingImages } from './data.js';
import { resolvePrecision } from './precision.js';
import type { TrainerJob } from './process/messages.js';
import { conditionalClasses, specifiedNetwork } from './specified-network.js';

export interface TrainingPlan {
  config: NetworkConfig;
  options: TrainingOptions;
  /** With the number of images of each; null: unconditional. */
  classes: ClassShare[] | null;
  configuration: TrainingConfiguration;
}

/**
 * @throws DatasetError without training images; SpecError and TrainingError for settings that do
 * not fit the data set
 */
export function planTraining(
  job: TrainerJob,
  images: TrainingImages,
  newest: CheckpointManifest | null,
): TrainingPlan {
  const { train } = job;
  if (images.count === 0) {
    throw new DatasetError({
      what: 'the data set has no training images',
      where: job.dataset.prefix,
      hint: 'Give more images or a smaller holdout.',
    });
  }
  const classes = countedClasses(job, images);
  const { resolution, channels } = images;
  const sizes = { resolution, channels, classes: classes?.length ?? 0 };
  const half = resolvePrecision(train, usesGpu(), newest);
  const config = { ...specifiedNetwork(train, sizes), half };
  const resolved = resolveTrainingOptions(config, train, resolveAugmentation(config.channels, train));
  const options = { ...resolved, emaRampup: newest ? rampupOf(newest) : resolved.emaRampup };
  return { config, options, classes, configuration: configurationOf(job, config, options) };
}

function countedClasses({ train }: TrainerJob, images: TrainingImages): ClassShare[] | null {
  const classes = conditionalClasses(train.cond, images.classes);
  for (let i = 0; classes && i < images.count; i++) {
    const counted = classes[images.label(i) ?? -1];
    if (counted) counted.images++;
  }
  return classes;
}

function configurationOf(
  job: TrainerJob,
  config: NetworkConfig,
  options: TrainingOptions,
): TrainingConfiguration {
  const { mirror, aug } = job.train;
  const { batchGpu, ...rest } = options;
  // Sums over micro-batches are rounded differently. A batch in one piece is recorded as before
  // there were micro-batches.
  const accumulation: Record<string, number> = batchGpu < options.batch ? { batchGpu } : {};
  return {
    engine: 'tfjs',
    network: { ...config },
    training: { ...rest, blur: rest.blur && { ...rest.blur }, ...accumulation, mirror, aug },
    dataset: job.dataset.digest,
  };
}

/**
 * A resumed training keeps what it started with: a transfer has no ramp-up of its average, and no
 * setting records that.
 */
function rampupOf({ configuration }: CheckpointManifest): number | null {
  const { emaRampup } = configuration.training;
  return typeof emaRampup === 'number' ? emaRampup : null;
}
