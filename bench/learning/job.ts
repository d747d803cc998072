/** Input of the learning benchmark, and the resulting `train` spec. */
import type { CurvePoint } from '../../src/spec/results.js';
import { type TrainSpec, trainSchema } from '../../src/spec/train.js';

export type Side = 'ours' | 'peer' | 'transfer';

/** Metric curve of one training. */
export interface Curve {
  who: Side;
  seed: number;
  points: CurvePoint[];
}

export interface LearningJob {
  who: Side[];
  seeds: number[];
  kimg: number;
  snapshotKimg: number;
  /** Images of a phantom set. */
  images: number;
  /** Synthetic images for the metric of a snapshot. */
  count: number;
  resolution: number;
  /** Settings that both sides share. */
  spec: { cfg: 'stylegan2' | 'stylegan3-t' } & Record<
    'batch' | 'gamma' | 'glr' | 'emaKimg' | 'cbase' | 'cmax' | 'mapDepth' | 'zDim' | 'wDim',
    number
  >;
  /** Folder of the trainings. */
  work: string;
  /** Folder of the curves and their figure: `<cfg>.json`, `<cfg>.svg`. */
  out: string;
  /** CPU threads of each side. */
  threads: number;
  /** Python interpreter with PyTorch and NumPy. */
  python: string;
}

export function trainSpec(job: LearningJob, more: Record<string, unknown>): TrainSpec {
  return trainSchema.parse({
    ...job.spec,
    dlr: job.spec.glr,
    threads: job.threads,
    kimg: job.kimg,
    snapshotKimg: job.snapshotKimg,
    snapshotImages: job.count,
    snapshotMetrics: ['fd_effnetlite0'],
    stopWhen: null,
    aug: 'none',
    cond: false,
    ...more,
  });
}
