/** Starts runs. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { environment } from '../core/environment.js';
import { RunError, SpecError } from '../core/errors.js';
import { CONTINUES_MEMO, PIPELINE_WORKFLOW } from '../spec/controls.js';
import type { PipelineInput } from '../spec/pipeline.js';
import { checkRunId } from '../spec/run-id.js';
import { MAX_FAIRNESS_KEY } from '../spec/sweep.js';

/** Temporal refuses larger inputs of a workflow. */
const MAX_SPEC_BYTES = 2_000_000;

/** A unique id that sorts by time: `knee-oa-20260131-142233-1f0c`. */
export function newRunId(name: string, now = new Date()): string {
  const [date, time] = now.toISOString().replace(/[-:]/g, '').split(/[T.]/);
  return `${name}-${date}-${time}-${randomBytes(2).toString('hex')}`;
}

/**
 * Starts a run. Under the id of an ended one it resumes from its checkpoints, and trains as long
 * as its own spec says.
 *
 * @param options.continues what `gist stop` and `gist extend` changed in the ended run stays so
 * @throws RunError when a run of this id is running, or the id is malformed; SpecError when the
 *   spec is too large
 */
export async function startRun(
  client: Client,
  spec: PipelineInput,
  runId = newRunId(spec.name),
  { continues = false }: { continues?: boolean } = {},
): Promise<string> {
  checkRunId(runId);
  requireSize(spec);
  try {
    await client.workflow.start(PIPELINE_WORKFLOW, {
      workflowId: runId,
      taskQueue: environment.taskQueue(),
      args: [spec],
      memo: { name: spec.name, stage: 'starting', [CONTINUES_MEMO]: continues },
      // People share devices: one with many runs does not keep those of others waiting.
      priority: { fairnessKey: userName().slice(0, MAX_FAIRNESS_KEY) },
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `${spec.name}: ${(spec.stages ?? ['all stages']).join(', ')}`,
      staticDetails: details(spec, runId),
    });
    return runId;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new RunError({
      what: `a run with the id "${runId}" is running already`,
      hint: `Watch it with \`gist watch ${runId}\`.`,
    });
  }
}

/** Of this machine; empty for a user without an entry in its list. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

/** @throws SpecError */
export function requireSize(spec: object): void {
  const bytes = Buffer.byteLength(JSON.stringify(spec));
  if (bytes <= MAX_SPEC_BYTES) return;
  throw new SpecError({
    what: `the spec has ${(bytes / 1e6).toFixed(1)} MB; Temporal accepts ${MAX_SPEC_BYTES / 1e6} MB`,
    hint: 'Put long lists into files, and their addresses into the spec.',
  });
}

/** What Temporal's UI shows on the page of the run. */
function details({ train, preprocess }: PipelineInput, runId: string): string {
  return [
    `Images of ${preprocess?.resolution ?? 256} px, training of ${train?.kimg ?? 'the default'} kimg.`,
    `Watch it: \`gist watch ${runId}\`. Pause it: \`gist pause ${runId}\`.`,
    `After a failure: \`gist retry ${runId}\`.`,
  ].join('\n\n');
}
