/** What the learning bench is told, and the training that follows from it. */
import { type TrainSpec, trainSchema } from '../../src/spec/train.js';

export type Who = 'ours' | 'peer' | 'transfer';

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
  spec: Record<
    'batch' | 'gamma' | 'glr' | 'emaKimg' | 'cbase' | 'cmax' | 'mapDepth' | 'zDim' | 'wDim',
    number
  >;
  /** Where curves and trainings are kept. */
  work: string;
  /** Where learning.json and learning.svg go. */
  out: string;
  /** A Python that has PyTorch and NumPy. */
  python: string;
}

export function trainSpec(job: LearningJob, more: Record<string, unknown>): TrainSpec {
  return trainSchema.parse({
    ...job.spec,
    dlr: job.spec.glr,
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
