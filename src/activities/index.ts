/** All activities of a worker, created with their dependencies. */
import type { Compute } from '../spec/compute-tasks.js';
import type { ObjectStore } from '../storage/object-store.js';
import { createEvaluateActivities } from './evaluate.js';
import { withTypedFailures } from './failures.js';
import { createGenerateActivities } from './generate.js';
import { createNotifyActivities } from './notify.js';
import { createPreprocessActivities } from './preprocess.js';
import { createRunActivities } from './run.js';
import { createSweepActivities } from './sweep.js';
import { createTrainActivities } from './train.js';

export function createActivities(deps: {
  store: ObjectStore;
  compute: Compute;
  /**
   * Called when the machine may be the cause of an activity's failure; the failure, and with it the
   * next attempt, waits.
   */
  onWorkerFailure?: () => Promise<void>;
}) {
  const activities = {
    ...createRunActivities(deps),
    ...createPreprocessActivities(deps),
    ...createTrainActivities(deps),
    ...createGenerateActivities(deps),
    ...createEvaluateActivities(deps),
    ...createSweepActivities(deps),
    ...createNotifyActivities(),
  };
  return withTypedFailures(activities, deps.onWorkerFailure);
}
