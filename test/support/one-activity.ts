/** A workflow of one activity, whose heartbeats may be far apart. */
import { proxyActivities } from '@temporalio/workflow';
import type { PreprocessActivities } from '../../src/activities/preprocess.js';

type Plan = Parameters<PreprocessActivities['planDataset']>[0];

/** Without the WorkerKilled failure, the second attempt would start ten minutes after the kill. */
export async function planWithRareHeartbeats(taskQueue: string, input: Plan): Promise<void> {
  const { planDataset } = proxyActivities<PreprocessActivities>({
    taskQueue,
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: '10 minutes',
    retry: { initialInterval: '1 second' },
  });
  await planDataset(input);
}
