/** Announces snapshots of a training to its workflow. */
import { Context } from '@temporalio/activity';
import { log } from '../../core/log.js';
import type { CheckpointRef } from '../../spec/results.js';

/** Of more than this only the newest would be evaluated anyway. */
const MOST_AT_ONCE = 200;

/** After a failure, a later event, attempt or the result announces them. */
export class SnapshotAnnouncer {
  /** @param announced step of the newest snapshot that the workflow knows of */
  constructor(private announced: number) {}

  announceSoon(snapshots: CheckpointRef[] | Promise<CheckpointRef[]>): void {
    const announced = Promise.resolve(snapshots).then((known) => this.announce(known));
    announced.catch((error: unknown) => {
      log.warn('a snapshot could not be announced yet', {
        error: error instanceof Error ? error.message : String(error),
      });
    });
  }

  private async announce(snapshots: CheckpointRef[]): Promise<void> {
    const fresh = snapshots.filter(({ step }) => step > this.announced).slice(-MOST_AT_ONCE);
    if (fresh.length === 0) return;
    const { client, info } = Context.current();
    const execution = info.workflowExecution;
    if (!execution) return;
    await client.workflow.getHandle(execution.workflowId, execution.runId).signal('snapshots', fresh);
    this.announced = Math.max(this.announced, ...fresh.map(({ step }) => step));
  }
}
