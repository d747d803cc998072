/** What a trained classifier predicts on the sets that it is tested on. */
import { z } from 'zod';
import type { ClassifierJob, ClassifierPlan } from '../../spec/gan-train-test.js';
import { findJson, getJson, type ObjectStore } from '../../storage/index.js';
import { classificationSchema } from './classification.js';

/** `<prefix>result.json` */
export const outcomeSchema = z.object({
  /** Images that it was trained on. */
  images: z.int(),
  /** Mean loss of the last tenth of its steps. */
  loss: z.number(),
  tests: z.object({
    holdout: classificationSchema,
    /** Of classifiers that were trained on real images. */
    synthetic: classificationSchema.optional(),
  }),
  /** SHA-256 of the probabilities of all tested images. */
  predictions: z.string(),
});
export type ClassifierOutcome = z.output<typeof outcomeSchema>;

export function resultKey({ prefix }: Pick<ClassifierJob, 'prefix'>): string {
  return `${prefix}result.json`;
}

/** null: it is not trained yet. */
export function findOutcome(store: ObjectStore, job: ClassifierJob): Promise<ClassifierOutcome | null> {
  return findJson(store, resultKey(job), outcomeSchema);
}

/** The outcomes of a plan, in the order of its jobs. @throws StoreError when one is missing */
export function readOutcomes(store: ObjectStore, { jobs }: ClassifierPlan): Promise<ClassifierOutcome[]> {
  return Promise.all(jobs.map((job) => getJson(store, resultKey(job), outcomeSchema)));
}
