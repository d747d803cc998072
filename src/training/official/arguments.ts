/** Converts a `train` spec to command-line options of the official train.py. */
import { groupSize } from '../../spec/micro-batches.js';
import type { TrainSpec } from '../../spec/train.js';
import type { ChosenSpec } from '../automatic.js';

/** Properties of the data set that the options depend on. */
export interface DataFacts {
  /** Side of the images, in pixels. */
  resolution: number;
  /** Number of classes that training is conditional on; 0: unconditional. */
  classes: number;
}

/** What differs from attempt to attempt. */
export interface AttemptFacts {
  /** Empty folder in which train.py creates its run folder. */
  outdir: string;
  /** The data set as one zip. */
  data: string;
  /** Thousands of images of this attempt, a whole number. */
  kimg: number;
  seed: number;
  /** Snapshot to start from. */
  resume: string | null;
}

/** Thousands of images between two ticks, at most. */
const LONGEST_TICK = 4;

/** Options of the networks and the optimization; equal for all attempts of a training. */
export function officialSettings(train: ChosenSpec, { resolution, classes }: DataFacts) {
  const { cfg, batch, batchGpu, gamma, glr, dlr, aug, target, p, mirror, freezed, cbase, cmax } = train;
  const { gpus, fp32 } = train.stylegan3;
  const perGpu = batchGpu === 'auto' ? batch / gpus : batchGpu;
  return {
    cfg,
    gpus,
    batch,
    'batch-gpu': perGpu,
    gamma: gamma === 'auto' ? (0.0002 * resolution ** 2) / batch : gamma,
    cond: classes > 0,
    mirror,
    aug: aug === 'none' ? 'noaug' : aug,
    ...(aug === 'ada' && { target }),
    ...(aug === 'fixed' && { p }),
    freezed,
    cbase,
    cmax,
    ...(glr !== 'auto' && { glr }),
    ...(dlr !== 'auto' && { dlr }),
    ...(train.mapDepth !== 'auto' && { 'map-depth': train.mapDepth }),
    'mbstd-group': groupSize(perGpu),
    fp32,
  };
}

/** The arguments after `train.py`, with numbers as Python reads them. */
export function officialArguments(train: ChosenSpec, data: DataFacts, attempt: AttemptFacts): string[] {
  const { outdir, kimg, seed, resume } = attempt;
  const options = {
    outdir,
    data: attempt.data,
    ...officialSettings(train, data),
    ...(resume !== null && { resume }),
    kimg,
    tick: tickKimg(train),
    // A snapshot per tick, so that a stop or a crash costs one tick at most; the loop decides which
    // are stored.
    snap: 1,
    metrics: 'none',
    seed,
    workers: train.stylegan3.workers,
    desc: 'gist',
  };
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}

/** Thousands of images between two snapshots: train.py counts whole ones only. */
export function snapshotKimg(train: Pick<TrainSpec, 'snapshotKimg'>): number {
  return Math.max(1, Math.ceil(train.snapshotKimg));
}

/** Thousands of images per tick: the largest number that divides the interval of snapshots. */
export function tickKimg(train: Pick<TrainSpec, 'snapshotKimg'>): number {
  return [LONGEST_TICK, 3, 2].find((tick) => snapshotKimg(train) % tick === 0) ?? 1;
}

/** Warnings about settings that train.py handles differently from the built-in engine. */
export function officialWarnings(train: Pick<TrainSpec, 'snapshotKimg'>): string[] {
  if (Number.isInteger(train.snapshotKimg)) return [];
  return [`train.py counts whole kimg: a snapshot every ${snapshotKimg(train)} kimg`];
}
