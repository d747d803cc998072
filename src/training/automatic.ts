/** What each `auto` of a `train` spec becomes where a training starts, with the reason. */
import type { CheckpointManifest } from '../checkpoints/manifest.js';
import type { NetworkConfig, NetworkFamily } from '../gan/config.js';
import { environment } from '../core/environment.js';
import { isNetworkFamily } from '../gan/networks/registry.js';
import { groupSize, microBatchSizes } from '../spec/micro-batches.js';
import type { AutomaticSetting } from '../spec/results.js';
import type { TrainSpec } from '../spec/train.js';
import { largestMicroBatch, type MemoryPlan } from './memory.js';
import { planMemory } from './memory-estimate.js';
import { resolveThreads } from './numeric-environment.js';

/** A spec without the choices that the networks and the optimization depend on. */
export interface ChosenSpec extends TrainSpec {
  cfg: NetworkFamily;
  aug: 'none' | 'ada' | 'fixed';
}

/** What choices depend on. */
export interface ChoiceFacts {
  /** Training images in the data set. */
  images: number;
  usesGpu: boolean;
  /** What an earlier attempt at this training chose: it stays, on any machine. */
  started: StartedSettings | null;
}

/** Choices of an earlier attempt, as far as it recorded them. */
export interface StartedSettings {
  cfg?: unknown;
  aug?: unknown;
  batchGpu?: unknown;
}

/**
 * Choices of an earlier attempt: those in its newest checkpoint, or else in the record that it left
 * before its first checkpoint; null for the first attempt.
 */
export function startedSettings(
  newest: Pick<CheckpointManifest, 'configuration'> | null,
  record: readonly AutomaticSetting[],
): StartedSettings | null {
  if (newest) {
    const { network, training } = newest.configuration;
    return { cfg: network.cfg, aug: training.aug, batchGpu: training.batchGpu ?? training.batch };
  }
  if (record.length === 0) return null;
  const values = Object.fromEntries(record.map(({ key, value }) => [key, value]));
  return { ...values, ...(values.batchGpu !== undefined && { batchGpu: Number(values.batchGpu) }) };
}

/**
 * Training images from which on a discriminator is not augmented. Karras et al. 2020 (ADA), section
 * 4.1 and figure 7: augmentation helps at 70,000 images of FFHQ, and no longer at 140,000.
 */
export const LARGE_SET = 100_000;

/** `cfg` and `aug`, chosen where the spec leaves them to GIST. */
export function chooseSettings(train: TrainSpec, facts: ChoiceFacts): ChosenSpec {
  return { ...train, cfg: chooseCfg(train, facts), aug: chooseAug(train, facts) };
}

function chooseCfg({ cfg, engine }: TrainSpec, { usesGpu, started }: ChoiceFacts): NetworkFamily {
  if (cfg !== 'auto') return cfg;
  const earlier = started?.cfg;
  if (typeof earlier === 'string' && isNetworkFamily(earlier)) return earlier;
  return usesGpu || engine === 'stylegan3' ? 'stylegan3-t' : 'stylegan2';
}

function chooseAug(
  { aug, augPipe, engine, mirror }: TrainSpec,
  { images, started }: ChoiceFacts,
): ChosenSpec['aug'] {
  if (aug !== 'auto') return aug;
  const earlier = started?.aug;
  if (earlier === 'none' || earlier === 'noaug') return 'none';
  if (earlier === 'ada') return 'ada';
  // The official trainer has bgc only, which flips and turns images: that must be asked for.
  if (engine === 'stylegan3' && augPipe !== 'bgc') return 'none';
  return shown(images, mirror) < LARGE_SET ? 'ada' : 'none';
}

/** Mirrored copies are images of their own to the discriminator. */
function shown(images: number, mirror: boolean): number {
  return mirror ? 2 * images : images;
}

/**
 * The micro-batch that fits into memory: the whole batch, or the largest whose groups of the
 * minibatch deviation are those of the batch. Where none is foreseen to fit it is the smallest:
 * estimates are high, and should it not fit either, the memory plan has the advice. Where the
 * memory is unknown it is the smallest with the batch's groups.
 *
 * @param availableBytes that the training may take; null where that is unknown
 */
export function chooseBatchGpu(
  config: NetworkConfig,
  { batch, batchGpu }: Pick<TrainSpec, 'batch' | 'batchGpu'>,
  started: StartedSettings | null,
  availableBytes: number | null,
): number {
  if (batchGpu !== 'auto') return batchGpu;
  if (typeof started?.batchGpu === 'number') return started.batchGpu;
  const sizes = microBatchSizes(batch);
  if (availableBytes === null) return sizes.find((size) => groupSize(size) === groupSize(batch)) ?? batch;
  const { fits } = planMemory(config, { batch, batchGpu: batch }, availableBytes);
  return fits >= batch ? batch : (largestMicroBatch(batch, fits) ?? sizes[0] ?? batch);
}

/** What is known once a training is planned. */
export interface Choices {
  train: TrainSpec;
  chosen: ChosenSpec;
  facts: ChoiceFacts;
  config: NetworkConfig;
  /** Values of the other keys as resolved, by key. */
  values: Partial<Record<keyof TrainSpec, string | number | boolean>>;
  memory: MemoryPlan | null;
}

/** Every key that the spec leaves on `auto`, what it became, and why. */
export function automaticSettings({
  train,
  chosen,
  facts,
  config,
  values,
  memory,
}: Choices): AutomaticSetting[] {
  const { images, usesGpu, started } = facts;
  const published = `published for ${chosen.cfg}`;
  const resumed = started !== null;
  const device = usesGpu ? 'on a GPU' : 'no GPU in use';
  const reasons: Partial<Record<keyof TrainSpec, string | false>> = {
    cfg: resumed
      ? 'as the training started'
      : train.engine === 'stylegan3'
        ? 'the trainer needs a GPU'
        : device,
    aug: reasonOfAug(train, chosen, images),
    augPipe: chosen.aug !== 'none' && (config.channels === 1 ? 'gray images' : 'RGB images'),
    adaKimg: chosen.aug === 'ada' && (train.resume ? 'from other weights' : 'from scratch'),
    batchGpu: resumed ? 'as the training started' : memory ? reasonOfBatchGpu(memory) : 'the whole batch',
    gamma: '0.0002 * resolution^2 / batch',
    glr: published,
    dlr: published,
    emaKimg: 'batch * 10 / 32',
    mapDepth: published,
    cond: config.classes > 0 ? `${config.classes} classes` : 'no classes to tell apart',
    precision: resumed ? 'as the training started' : device,
    xla: 'compiling takes minutes and gains little',
    threads: environment.threads() === undefined ? 'all processors' : 'GIST_THREADS',
  };
  const all = {
    ...values,
    cfg: chosen.cfg,
    aug: chosen.aug,
    cond: config.classes > 0,
    threads: resolveThreads('auto'),
  };
  return (Object.keys(reasons) as (keyof TrainSpec)[]).flatMap((key) => {
    const [value, reason] = [all[key as keyof typeof all], reasons[key]];
    return train[key] === 'auto' && value !== undefined && reason
      ? [{ key, value: String(value), reason }]
      : [];
  });
}

function reasonOfAug({ engine, mirror }: TrainSpec, { aug }: ChosenSpec, images: number): string {
  const count = `${shown(images, mirror).toLocaleString('en')} training images${mirror ? ', mirrored ones counted' : ''}`;
  if (aug === 'ada') return count;
  return engine === 'stylegan3' && shown(images, mirror) < LARGE_SET
    ? 'the official trainer has only augPipe bgc, which flips and turns images'
    : count;
}

function reasonOfBatchGpu({ batch, batchGpu, neededBytes, availableBytes }: MemoryPlan): string {
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  const about = `${batchGpu} images need about ${gib(neededBytes)}`;
  if (availableBytes === null) return `${about} GiB; the memory of the GPU is unknown`;
  const need = `${about} of ${gib(availableBytes)} GiB`;
  return batchGpu < batch ? `${need}; ${batch} do not fit` : need;
}
