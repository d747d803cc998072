/** Workers that poll a task queue, as far as the server knows. */
import type { Client } from '@temporalio/client';
import { milliseconds } from './pending.js';

export type QueueKind = 'workflow' | 'activity';

export interface Poller {
  identity: string;
  lastPollMs: number;
}

/** As in `temporal.api.enums.v1.TaskQueueType`. */
const KINDS: Record<QueueKind, number> = { workflow: 1, activity: 2 };

/** Workers that polled within about five minutes, the latest first: some may have ended since. */
export async function pollersOf(client: Client, queue: string, kind: QueueKind): Promise<Poller[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: KINDS[kind],
  });
  return (pollers ?? [])
    .map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      lastPollMs: milliseconds(lastAccessTime) ?? 0,
    }))
    .sort((a, b) => b.lastPollMs - a.lastPollMs);
}
