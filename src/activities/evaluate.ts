/** The evaluate stage: features of every set by shard, then figures and the report. */
import type { Compute } from '../core/compute.js';
import type { ReportedRun } from '../report/report-input.js';
import type { EvaluateSpec } from '../spec/evaluate.js';
import type { EvaluateResult } from '../spec/results.js';
import { workControls } from './heartbeat.js';

/** Sets that are compared; each is a range of the stage's shards. */
export interface FeatureSet {
  set: 'train' | 'holdout' | 'synthetic';
  /** Key prefix of the manifest that lists the set's shards. */
  prefix: string;
  shards: number;
}

/** What the stage is told; the report shows all of it. */
export type EvaluateInput = ReportedRun;

export function createEvaluateActivities({ compute }: { compute: Compute }) {
  return {
    async planEvaluation(input: EvaluateInput): Promise<{ sets: FeatureSet[]; shards: number }> {
      const sets = await compute.run<FeatureSet[]>('listFeatureSets', input, workControls());
      return { sets, shards: sets.reduce((sum, { shards }) => sum + shards, 0) };
    },

    /** Features of one shard, written to the store. Idempotent. */
    async extractShardFeatures(input: {
      sets: FeatureSet[];
      evaluate: EvaluateSpec;
      shard: number;
    }): Promise<void> {
      await compute.run('extractShardFeatures', input, workControls());
    },

    /** Every figure and the report; the manifest is written last. */
    async computeMetrics(input: EvaluateInput): Promise<EvaluateResult> {
      return compute.run('computeMetrics', input, workControls());
    },
  };
}

export type EvaluateActivities = ReturnType<typeof createEvaluateActivities>;
