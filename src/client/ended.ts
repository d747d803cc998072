/** How a run ended: when, in which stage and why, and what continues it. */
import { type Client, type WorkflowExecutionDescription, WorkflowFailedError } from '@temporalio/client';
import { timeOf } from '../core/duration.js';
import { GistError } from '../core/errors.js';
import { type Stage, STAGES } from '../spec/pipeline.js';
import type { CheckpointRef, PipelineResult } from '../spec/results.js';
import { type Continuation, continuationOf } from './continuation.js';
import { type RunStatus, statusName, within, withKnownRun } from './known-run.js';

/** An ended run, as `gist status RUN --json` shows it. */
export interface Ended {
  status: RunStatus;
  /** Milliseconds since 1970; null when it is not known. */
  closedMs: number | null;
  /** The stage that it ended in; null before the first one, and for a completed run. */
  stage: Stage | null;
  cause: { type: string; message: string } | null;
  /** The newest checkpoint of its training. */
  checkpoint: CheckpointRef | null;
  /** The command that continues it; null for a completed run. */
  command: string | null;
  /** How, when and why it ended, in one sentence. */
  message: string;
  /** What the command does, in one sentence; null for a completed run. */
  next: string | null;
}

/** @returns null for a run that is running */
export async function endOf(
  client: Client,
  description: WorkflowExecutionDescription,
): Promise<Ended | null> {
  const status = statusName(description.status.name);
  if (status === 'running') return null;
  const cause = status === 'completed' ? null : await causeOf(client, description.workflowId);
  const stage = status === 'completed' ? null : stageOf(description);
  const closedMs = description.closeTime?.getTime() ?? null;
  const next = await continuationOf(description.workflowId);
  return endedRun({ status, closedMs, stage, cause }, next);
}

/** Adds what continues the run. */
export function endedRun(
  end: Pick<Ended, 'status' | 'closedMs' | 'stage' | 'cause'>,
  { command, checkpoint, message }: Continuation,
): Ended {
  const isComplete = end.status === 'completed';
  const next = isComplete ? { command: null, next: null } : continuing(end, command, message);
  return { ...end, checkpoint, message: endText(end), ...next };
}

/** A refused spec cannot continue as it is. */
function continuing({ cause }: Pick<Ended, 'cause'>, command: string, message: string) {
  if (cause?.type !== 'SpecError') return { command, next: message };
  const corrected = `${command} --set key=value`;
  return { command: corrected, next: `\`${corrected}\` corrects its spec and starts it again.` };
}

const VERBS: Partial<Record<RunStatus, string>> = {
  completed: 'completed',
  failed: 'failed',
  canceled: 'was cancelled',
  terminated: 'was terminated',
  'timed-out': 'timed out',
};

function endText({
  status,
  closedMs,
  stage,
  cause,
}: Pick<Ended, 'status' | 'closedMs' | 'stage' | 'cause'>): string {
  const verb = VERBS[status] ?? 'ended; Temporal no longer has it';
  const where = stage ? ` in stage ${stage}` : '';
  const when = closedMs === null ? '' : ` at ${timeOf(closedMs)}`;
  const isPlain = !cause || status === 'canceled' || status === 'timed-out';
  const why = isPlain ? '' : ` with ${cause.type}: ${cause.message.trimEnd().replace(/\.$/, '')}`;
  return `The run ${verb}${where}${when}${why}.`;
}

function stageOf({ memo }: WorkflowExecutionDescription): Stage | null {
  return STAGES.find((stage) => stage === memo?.stage) ?? null;
}

async function causeOf(client: Client, runId: string): Promise<{ type: string; message: string }> {
  try {
    await within(client, () => client.workflow.getHandle(runId).result());
  } catch (error) {
    if (error instanceof WorkflowFailedError) return rootCause(error);
  }
  return { type: 'Unknown', message: 'the server did not tell the cause' };
}

/**
 * Waits for the end of a run that Temporal has.
 *
 * @throws FailedRunError with the type and message of the cause
 */
export async function resultOf(client: Client, runId: string): Promise<PipelineResult> {
  return withKnownRun(runId, async () => {
    try {
      return (await client.workflow.getHandle(runId).result()) as PipelineResult;
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      throw new FailedRunError(runId, rootCause(error), await continuationOf(runId));
    }
  });
}

/** A run that ended without its result. */
export class FailedRunError extends GistError {
  override readonly name = 'FailedRunError';
  override readonly causeClass = 'input';
  override readonly exitCode = 1;

  constructor(
    readonly runId: string,
    readonly reason: { type: string; message: string },
    { command, message }: Continuation,
  ) {
    const { next } = continuing({ cause: reason }, command, message);
    const ending = ENDED_BY_ORDER[reason.type];
    const option = next.includes('--set') ? '' : ' `--set key=value` changes its spec.';
    super({
      what: ending ?? `the run failed with ${reason.type}: ${reason.message}`,
      where: runId,
      hint: ending ? next : `Once the cause is fixed: ${next}${option} \`gist logs ${runId}\` shows its log.`,
    });
  }
}

/** Runs that somebody ended: nothing has to be fixed. */
const ENDED_BY_ORDER: Record<string, string> = {
  CancelledFailure: 'the run was cancelled',
  TerminatedFailure: 'the run was terminated',
};

/** The innermost cause: Temporal wraps it in failures of the activity and of child workflows. */
function rootCause(error: Error): { type: string; message: string } {
  let inner: Error = error;
  while (inner.cause instanceof Error) inner = inner.cause;
  const type = 'type' in inner && typeof inner.type === 'string' ? inner.type : inner.name;
  return { type, message: inner.message };
}
