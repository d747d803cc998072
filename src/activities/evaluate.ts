/** The evaluate stage: features of every set by shard, then metrics and the report. */
import type { Compute, EvaluateInput, FeatureSet, FeatureShard } from '../spec/compute-tasks.js';
import type { EvaluateResult } from '../spec/results.js';
import { workControls } from './heartbeat.js';

export function createEvaluateActivities({ compute }: { compute: Compute }) {
  return {
    async planEvaluation({ dataset, synthetic, spec }: EvaluateInput): Promise<{
      sets: FeatureSet[];
      shards: number;
    }> {
      const { maxImages } = spec.evaluate;
      const compared = { dataset: dataset.prefix, synthetic: synthetic.prefix, maxImages };
      const sets = await compute.run('listFeatureSets', compared, workControls());
      return { sets, shards: sets.reduce((sum, { shards }) => sum + shards, 0) };
    },

    /** Features of one shard, written to the store. Idempotent. */
    async extractShardFeatures(input: FeatureShard): Promise<void> {
      await compute.run('extractShardFeatures', input, workControls());
    },

    /** Every metric and the report. */
    async computeMetrics(input: EvaluateInput): Promise<EvaluateResult> {
      return compute.run('computeMetrics', input, workControls());
    },
  };
}

export type EvaluateActivities = ReturnType<typeof createEvaluateActivities>;
