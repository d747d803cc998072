/** What the learning bench is told, and the training that follows from it. */
import type { CurvePoint } from '../../src/spec/results.js';
import { type TrainSpec, trainSchema } from '../../src/spec/train.js';

export type Who = 'ours' | 'peer' | 'transfer';

/** What comes of one training. */
export interface Curve {
  who: Who;
  seed: number;
  points: CurvePoint[];
}

export interface LearningJob {
  who: Who[];
  seeds: number[];
  kimg: number;
  snapshotKimg: number;
  /** Images of a phantom set. */
  images: number;
  /** Generated images that a snapshot is judged on. */
  count: number;
  resolution: number;
  /** Settings that both sides share. */
  spec: { cfg: 'stylegan2' | 'stylegan3-t' } & Record<
    'batch' | 'gamma' | 'glr' | 'emaKimg' | 'cbase' | 'cmax' | 'mapDepth' | 'zDim' | 'wDim',
    number
  >;
  /** Where trainings are kept while they run. */
  work: string;
  /** Where the curves and their figure are kept: `<cfg>.json`, `<cfg>.svg`. */
  out: string;
  /** Processor threads of either side. */
  threads: number;
  /** A Python that has PyTorch and NumPy. */
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
