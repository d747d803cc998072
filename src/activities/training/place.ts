/** The place of a training in the queue of its device. */
import { Context } from '@temporalio/activity';
import { log } from '../../core/log.js';
import { PERSON_PRIORITY_KEY, placeHeld } from '../../spec/task-queues.js';

/**
 * A training that has had a device once goes before those that have not: when its worker ends, its
 * next attempt does not wait behind them. Servers that cannot change the priority of an activity
 * keep the first one.
 */
export async function keepPlace(): Promise<void> {
  const { client, info } = Context.current();
  const { workflowNamespace, workflowExecution, activityId, priority } = info;
  const priorityKey = placeHeld(priority?.priorityKey || PERSON_PRIORITY_KEY);
  if (priority?.priorityKey === priorityKey) return;
  try {
    await client.workflowService.updateActivityOptions({
      namespace: workflowNamespace ?? 'default',
      execution: workflowExecution ?? null,
      id: activityId,
      activityOptions: { priority: { priorityKey } },
      updateMask: { paths: ['priority.priority_key'] },
    });
  } catch (error) {
    log.info('the server keeps the first priority of a training', {
      error: error instanceof Error ? error.message : String(error),
    });
  }
}
