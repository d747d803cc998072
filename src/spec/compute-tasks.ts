/**
 * The tasks of a compute process: what each takes and what it returns, for the caller, the process
 * boundary and the domain.
 */
import type { OnProgress } from '../core/progress.js';
import type { GenerateSpec } from './generate.js';
import type { PipelineSpec } from './pipeline.js';
import type {
  CheckpointRef,
  CurvePoint,
  DatasetRef,
  EvaluateResult,
  GenerateResult,
  TrainResult,
} from './results.js';
import type { TrainSpec } from './train.js';

/** Inputs and results are plain JSON. */
interface Task<Input, Result> {
  input: Input;
  result: Result;
}

export interface ComputeTasks {
  generateShard: Task<SyntheticInput & { shard: number }, void>;
  assembleSynthetic: Task<SyntheticInput, GenerateResult>;
  evaluateSnapshot: Task<SnapshotInput, CurvePoint[]>;
  listFeatureSets: Task<ComparedSets, FeatureSet[]>;
  extractShardFeatures: Task<FeatureShard, void>;
  computeMetrics: Task<EvaluateInput, EvaluateResult>;
}

export type TaskName = keyof ComputeTasks;

/** Runs a task in a process of its own kind, so that native crashes and leaks stay there. */
export interface Compute {
  /** @throws GistError as thrown by the task; TrainerCrashError when its process died */
  run<Name extends TaskName>(
    task: Name,
    input: ComputeTasks[Name]['input'],
    options: { onProgress: OnProgress; signal: AbortSignal },
  ): Promise<ComputeTasks[Name]['result']>;
}

export interface SyntheticInput {
  runId: string;
  checkpoint: CheckpointRef;
  generate: GenerateSpec;
  /** Identifies the set within its run. */
  digest: string;
}

export interface SnapshotInput {
  runId: string;
  dataset: DatasetRef;
  train: TrainSpec;
  snapshot: CheckpointRef;
}

/** Key prefixes of the sets that are compared, and how many images of each count. */
export interface ComparedSets {
  dataset: string;
  synthetic: string;
  maxImages: number;
}

export type SetName = 'train' | 'holdout' | 'synthetic';

/** A set of images; the shards of the evaluate stage are those of all its sets, in order. */
export interface FeatureSet {
  set: SetName;
  /** Key prefix of the manifest that lists the set's shards. */
  prefix: string;
  /** How many of its shards count. */
  shards: number;
}

export interface FeatureShard {
  sets: FeatureSet[];
  /** Counted over all sets in order. */
  shard: number;
}

/** Everything that is known of a run when it is evaluated; the report shows all of it. */
export interface EvaluateInput {
  runId: string;
  spec: PipelineSpec;
  dataset: DatasetRef;
  synthetic: GenerateResult;
  train: Pick<TrainResult, 'checkpoint'> | TrainResult | null;
  reused: string[];
}
