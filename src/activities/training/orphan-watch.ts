/** Notices that the run of a training has ended without its training, as after a reset. */
import { Context } from '@temporalio/activity';
import { log } from '../../core/log.js';

/** One execution of a run. */
export interface ParentRun {
  workflowId: string;
  runId: string;
}

const INTERVAL_MS = 20_000;

/**
 * A cancelled or terminated run cancels its training. A reset one does not: the server ends that
 * execution and starts another one, which knows nothing of the training.
 */
export class OrphanWatch {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout | undefined;
  /** Aborts when the parent has ended. */
  readonly signal = this.controller.signal;

  constructor(parent: ParentRun | null) {
    if (!parent) return;
    const { client } = Context.current();
    this.timer = setInterval(() => void this.check(client, parent), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async check(client: Context['client'], { workflowId, runId }: ParentRun): Promise<void> {
    try {
      const { status } = await client.workflow.getHandle(workflowId, runId).describe();
      if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW') return;
      log.warn('the run of this training has ended; the training stops with a checkpoint', { workflowId });
      this.controller.abort();
    } catch {
      // The server does not answer: that is no reason to stop.
    }
  }
}
