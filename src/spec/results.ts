/**
 * Results that a stage passes to the next one: small records of keys and numbers, without pixels.
 */

import type { Interval, Level } from './analyses.js';
import type { ExtractorName } from './metrics.js';

/** A data set in the object store, created by `preprocess`. */
export interface DatasetRef {
  /** Key prefix in the object store, `datasets/<digest>/`. */
  prefix: string;
  digest: string;
  resolution: number;
  channels: 1 | 3;
  /** Class names in label order; null if there are no labels. */
  classes: string[] | null;
  images: { train: number; holdout: number };
  /**
   * Images that were rejected because they could not be read; listed in `<prefix>manifest.json`.
   */
  rejected: number;
}

/** A training checkpoint whose manifest has been written and verified. */
export interface CheckpointRef {
  /** Key prefix, `runs/<runId>/train/checkpoint-<kimg>-step<step>/`. */
  prefix: string;
  /** Thousands of real images shown so far. */
  kimg: number;
  /** Optimization steps taken so far. */
  step: number;
}

/** One value of a metric on one snapshot. */
export interface CurvePoint {
  kimg: number;
  metric: string;
  value: number;
  /** Standard deviation over random subsets, of metrics that have one. */
  spread?: number;
  /** 95 % interval for another choice of images; of the metric of `stopWhen` only. */
  interval?: Interval;
}

/** A snapshot without metrics, because its evaluation failed or came too late. */
export interface MetricGap {
  kimg: number;
  reason: string;
}

export interface PreprocessResult {
  stage: 'preprocess';
  dataset: DatasetRef;
}

/** Value that a training chose for a key with `auto` in its spec. */
export interface AutomaticSetting {
  key: string;
  value: string;
  /** Short explanation. */
  reason: string;
}

/** Tensors that transfer learning copied from a source. */
export interface TransferReport {
  /** Run, checkpoint or weights that it started from. */
  from: string;
  /** Thousands of images that the source was trained on; 0 if unknown. */
  kimg: number;
  /** Number of tensors of each network that were copied, and that were newly initialized. */
  networks: Partial<Record<'G' | 'D' | 'G_ema', { copied: number; initialized: number }>>;
  /** Names of the newly initialized tensors, with the reason. */
  initialized: string[];
  notes: string[];
}

export interface TrainResult {
  stage: 'train';
  /**
   * The checkpoint that later stages use: the best snapshot by the convergence metric, or the last.
   */
  checkpoint: CheckpointRef;
  last: CheckpointRef;
  /** Why the training ended. */
  ended: 'complete' | 'converged' | 'stopped';
  /** At most 400 points; `curve/` next to the checkpoints has all. */
  curve: CurvePoint[];
  /** The newest snapshots without metrics; not in results of earlier versions. */
  gaps?: MetricGap[];
  /**
   * Set if the training started with `train.resume`; also in `transfer.json` next to the
   * checkpoints.
   */
  transfer?: TransferReport;
}

export interface GenerateResult {
  stage: 'generate';
  /** Key prefix, `runs/<runId>/generate/<digest>/`. */
  prefix: string;
  digest: string;
  images: number;
}

/** What an evaluation means, in plain sentences. */
export interface Conclusion {
  level: Level;
  headline: string;
  /** What the values show. */
  shows: string[];
  /** What they do not show. */
  limits: string[];
}

/** A set of the images of another one that `generate.rejectAbove` accepts. */
export interface AcceptedSet {
  /** Key prefix, `runs/<runId>/generate/<digest>/`. */
  prefix: string;
  digest: string;
  images: number;
}

export interface EvaluateResult {
  stage: 'evaluate';
  prefix: string;
  /** Absent unless `generate.rejectAbove` asks for it, or when no image is accepted. */
  accepted?: AcceptedSet;
  /** Metrics by full name, for example `fd_effnetlite0.holdout`. */
  metrics: Record<string, number>;
  /** What a reader must know beside the numbers; not in results of earlier versions. */
  caveats?: string[];
  /**
   * Version and weights of the extractor of each metric; not in results of earlier versions.
   */
  extractors?: Partial<Record<ExtractorName, string>>;
  /** Not in results of earlier versions. */
  conclusion?: Conclusion;
  /** Key of the self-contained HTML report. */
  report: string;
}

export type StageResult = PreprocessResult | TrainResult | GenerateResult | EvaluateResult;

/** The result of a run. */
export interface PipelineResult {
  runId: string;
  stages: {
    preprocess?: PreprocessResult;
    train?: TrainResult;
    generate?: GenerateResult;
    evaluate?: EvaluateResult;
  };
  /** Stages whose result comes from an earlier run with the same inputs and settings. */
  reused: string[];
}
