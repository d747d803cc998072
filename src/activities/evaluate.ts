/** The evaluate stage: features of every set by shard, then metrics and the report. */
import type { Compute, EvaluateInput, FeatureSet, FeatureShard } from '../spec/compute-tasks.js';
import { selectedMetrics } from '../spec/evaluate.js';
import { extractorsOf } from '../spec/metrics.js';
import type { EvaluateResult } from '../spec/results.js';
import { withHeartbeats } from './heartbeat.js';

export function createEvaluateActivities({ compute }: { compute: Compute }) {
  return {
    async planEvaluation({ dataset, synthetic, spec }: EvaluateInput): Promise<{
      sets: FeatureSet[];
      shards: number;
    }> {
      const { maxImages } = spec.evaluate;
      const extractors = extractorsOf(selectedMetrics(spec.evaluate));
      const compared = { dataset: dataset.prefix, synthetic: synthetic.prefix, maxImages, extractors };
      const sets = await withHeartbeats('listing', (controls) =>
        compute.run('listFeatureSets', compared, controls),
      );
      return { sets, shards: sets.reduce((sum, { shards }) => sum + shards, 0) };
    },

    /** Features of one shard, written to the store. Idempotent. */
    async extractShardFeatures(input: FeatureShard): Promise<void> {
      await withHeartbeats('computing', (controls) => compute.run('extractShardFeatures', input, controls));
    },

    /** Every metric and the report. */
    async computeMetrics(input: EvaluateInput): Promise<EvaluateResult> {
      return withHeartbeats('computing', (controls) => compute.run('computeMetrics', input, controls));
    },
  };
}

export type EvaluateActivities = ReturnType<typeof createEvaluateActivities>;
