/** Notices that the run of a training has ended without its training. */
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { log } from '../../core/log.js';

const INTERVAL_MS = 20_000;

/**
 * A cancelled or terminated run cancels its training, and a reset one takes it over. What is left
 * are a run that was deleted, and a server that lost the request.
 */
export class OrphanWatch {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout | undefined;
  /** Aborts when the parent has ended. */
  readonly signal = this.controller.signal;

  /** @param parent id of the workflow that started the training; null: none */
  constructor(parent: string | null) {
    if (parent === null) return;
    const { client } = Context.current();
    this.timer = setInterval(() => void this.check(client, parent), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async check(client: Context['client'], workflowId: string): Promise<void> {
    try {
      // The newest execution: one that was reset is followed by another one.
      const { status } = await client.workflow.getHandle(workflowId).describe();
      if (status.name === 'RUNNING') return;
    } catch (error) {
      // A server that does not answer is no reason to stop.
      if (!(error instanceof WorkflowNotFoundError)) return;
    }
    log.warn('the run of this training has ended; the training stops with a checkpoint', { workflowId });
    this.controller.abort();
  }
}
