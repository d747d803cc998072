/** The evaluate stage: features of every set by shard, then metrics and the report. */
import { planClassifiers } from '../evaluation/gan-train-test/plan.js';
import type { Compute, EvaluateInput, FeatureSet, FeatureShard } from '../spec/compute-tasks.js';
import { evaluationExtractors } from '../spec/evaluate.js';
import type { ClassifierInput, ClassifierPlan } from '../spec/gan-train-test.js';
import type { EvaluateResult } from '../spec/results.js';
import type { ObjectStore } from '../storage/object-store.js';
import { withHeartbeats } from './heartbeat.js';

export function createEvaluateActivities({ store, compute }: { store: ObjectStore; compute: Compute }) {
  return {
    async planEvaluation({ dataset, synthetic, spec }: EvaluateInput): Promise<{
      sets: FeatureSet[];
      shards: number;
    }> {
      const { maxImages } = spec.evaluate;
      const extractors = evaluationExtractors(spec.evaluate);
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

    /** Which classifiers are trained, on a machine that trains them: it knows its weights. */
    async planClassifiers({ runId, spec, dataset, synthetic }: EvaluateInput): Promise<ClassifierPlan> {
      const scope = spec.cache ? null : runId;
      return withHeartbeats('listing', () =>
        planClassifiers(store, { dataset, synthetic }, spec.evaluate, scope),
      );
    },

    /** Trains and tests one classifier; resumes from its checkpoint. Idempotent. */
    async trainClassifier(input: ClassifierInput): Promise<void> {
      await withHeartbeats('computing', (controls) => compute.run('trainClassifier', input, controls));
    },

    /** Every metric and the report. */
    async computeMetrics(input: EvaluateInput): Promise<EvaluateResult> {
      return withHeartbeats('computing', (controls) => compute.run('computeMetrics', input, controls));
    },
  };
}

export type EvaluateActivities = ReturnType<typeof createEvaluateActivities>;
