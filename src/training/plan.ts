/**
 * The networks and the optimization of a training: from its spec, its data set, and the checkpoint
 * that it resumes from.
 */
import type { CheckpointManifest, TrainingConfiguration } from '../checkpoints/manifest.js';
import { DatasetError } from '../core/errors.js';
import { resolveAugmentation } from '../gan/augment/options.js';
import { defaultSet } from '../gan/augment/sets.js';
import type { NetworkConfig } from '../gan/config.js';
import { resolveTrainingOptions, type TrainingOptions } from '../gan/loss/options.js';
import type { ClassShare } from '../generation/classes.js';
import { usesGpu } from '../nn/tensorflow.js';
import type { AutomaticSetting } from '../spec/results.js';
import {
  automaticSettings,
  type Choices,
  type ChosenSpec,
  chooseBatchGpu,
  chooseSettings,
  startedSettings,
} from './automatic.js';
import type { TrainingImages } from './data.js';
import type { DeviceMemory } from './device-memory.js';
import { freeMemory } from './memory.js';
import { planMemory } from './memory-estimate.js';
import { resolvePrecision } from './precision.js';
import { computesHalfFast } from './used-card.js';
import type { TrainerJob } from './process/messages.js';
import { conditionalClasses, specifiedNetwork } from './specified-network.js';
import { resolveXla } from './xla.js';

export interface TrainingPlan {
  config: NetworkConfig;
  options: TrainingOptions;
  /** With the number of images of each; null: unconditional. */
  classes: ClassShare[] | null;
  configuration: TrainingConfiguration;
  /** What the spec left to GIST. */
  automatic: AutomaticSetting[];
}

/**
 * @throws DatasetError without training images; SpecError and TrainingError for settings that do
 * not fit the data set
 */
export function planTraining(
  job: TrainerJob,
  images: TrainingImages,
  newest: CheckpointManifest | null,
  record: readonly AutomaticSetting[],
  device: DeviceMemory | null,
): TrainingPlan {
  if (images.count === 0) {
    throw new DatasetError({
      what: 'the data set has no training images',
      where: job.dataset.prefix,
      hint: 'Give more images or a smaller holdout.',
    });
  }
  const started = startedSettings(newest, record);
  const facts = { images: images.count, usesGpu: usesGpu(), started };
  const train = chooseSettings(job.train, facts);
  const classes = countedClasses(job, images);
  const { resolution, channels } = images;
  const sizes = { resolution, channels, classes: classes?.length ?? 0 };
  const half = resolvePrecision(train, computesHalfFast(), newest);
  const config = { ...specifiedNetwork(train, sizes), half };
  const freeBytes = usesGpu() ? (device?.freeBytes ?? null) : freeMemory();
  const batchGpu = chooseBatchGpu(config, train, started, freeBytes);
  const augmentation = resolveAugmentation(config.channels, train);
  const resolved = resolveTrainingOptions(config, { ...train, batchGpu }, augmentation);
  const options = { ...resolved, emaRampup: newest ? rampupOf(newest) : resolved.emaRampup };
  const automatic = automaticSettings({
    train: job.train,
    chosen: train,
    facts,
    config,
    values: resolvedValues(train, config, options),
    memory: planMemory(config, options, freeBytes),
  });
  return { config, options, classes, configuration: configurationOf(job, train, config, options), automatic };
}

/** Values of keys that may be on `auto`, apart from those that {@link ChosenSpec} has. */
function resolvedValues(
  train: ChosenSpec,
  config: NetworkConfig,
  { batchGpu, gamma, glr, dlr, emaKimg, augmentation }: TrainingOptions,
): Choices['values'] {
  const adaKimg = augmentation?.aug === 'ada' ? augmentation.adaKimg : undefined;
  const augPipe = train.augPipe === 'auto' ? defaultSet(config.channels) : train.augPipe;
  const precision = config.half ?? 'float32';
  const xla = resolveXla(train.xla);
  const mapDepth = config.mappingLayers;
  return { batchGpu, gamma, glr, dlr, emaKimg, adaKimg, augPipe, precision, xla, mapDepth };
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
  { mirror, aug }: ChosenSpec,
  config: NetworkConfig,
  options: TrainingOptions,
): TrainingConfiguration {
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
