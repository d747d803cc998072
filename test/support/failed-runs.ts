/**
 * Assertions on runs with invalid input: a typed failure, one attempt, no results, no patient's
 * name.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import type { PipelineInput } from '../../src/spec/pipeline.js';
import { PATIENT } from './refusals.js';
import type { Rig } from './rig.js';

const LOOK_MS = 200;

/** Starts a run, checks its messages for the patient's name, and waits for its failure. */
export async function failureOf(
  rig: Rig,
  runId: string,
  spec: PipelineInput,
  taskQueue?: string,
): Promise<ApplicationFailure> {
  const handle = await rig.startRun(runId, spec, taskQueue);
  const outcome = handle.result().then(
    () => assert.fail(`${runId} did not fail`),
    (error: Error) => rootOf(error),
  );
  await watchWords(handle);
  const failure = await outcome;
  assert.ok(failure instanceof ApplicationFailure, String(failure));
  return failure;
}

/** The innermost cause. */
export function rootOf(error: Error): Error {
  let inner = error;
  while (inner.cause instanceof Error) inner = inner.cause;
  return inner;
}

/**
 * Heartbeats and last failures are not in the history, so they are read while the run is active.
 */
async function watchWords(handle: WorkflowHandle): Promise<void> {
  for (;;) {
    const { raw, status } = await handle.describe();
    assertNoPatient(raw, 'pending activities');
    if (status.name !== 'RUNNING') return;
    await sleep(LOOK_MS);
  }
}

/** The activity that failed was tried once: the error says that trying again cannot help. */
export async function assertTriedOnce(rig: Rig, runId: string): Promise<void> {
  const { events } = await rig.client.workflow.getHandle(runId).fetchHistory();
  const failed = events?.find((event) => event.activityTaskFailedEventAttributes);
  const started = events?.find(
    ({ eventId }) =>
      String(eventId) === String(failed?.activityTaskFailedEventAttributes?.startedEventId ?? 'none'),
  );
  assert.equal(started?.activityTaskStartedEventAttributes?.attempt, 1);
}

/** No manifest makes a data set or synthetic set exist, and no stage counts as done. */
export async function assertNothingFinal(rig: Rig, runId: string): Promise<void> {
  for await (const { key } of rig.store.list(`runs/${runId}/`)) {
    assert.ok(!/(preprocess|train|generate|evaluate)\.json$|manifest\.json$/.test(key), key);
  }
}

/** Neither the history of a run nor the worker's log names the patient. */
export async function assertUnnamed(rig: Rig, runId: string): Promise<void> {
  assertNoPatient(await rig.client.workflow.getHandle(runId).fetchHistory(), 'history');
  const log = readFileSync(path.join(rig.folder, 'worker.log'), 'utf8');
  assert.ok(!log.includes(PATIENT), 'the log of the worker');
}

/** Looks into every string and every payload. */
function assertNoPatient(value: unknown, where: string): void {
  if (typeof value === 'string') assert.ok(!value.includes(PATIENT), `${where}: ${value}`);
  else if (value instanceof Uint8Array) assertNoPatient(Buffer.from(value).toString('latin1'), where);
  else if (value !== null && typeof value === 'object')
    for (const inner of Object.values(value)) assertNoPatient(inner, where);
}
