/** Schedules: runs and sweeps that Temporal starts by itself. */
import {
  type Client,
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleSummary,
  ServiceError,
} from '@temporalio/client';
import { environment } from '../core/environment.js';
import { RunError, UsageError } from '../core/errors.js';
import { checkSweepId } from '../spec/sweep.js';
import { requireSize } from './start.js';

/** What happens when the work of a schedule is due while the one before still runs. */
export const OVERLAPS = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'buffer-all': ScheduleOverlapPolicy.BUFFER_ALL,
  'cancel-other': ScheduleOverlapPolicy.CANCEL_OTHER,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
} as const;
export type Overlap = keyof typeof OVERLAPS;

export interface NewSchedule {
  /** The ids of what it starts are this, and the time. */
  scheduleId: string;
  /** Name of the workflow, and its argument. */
  workflow: string;
  spec: { name: string };
  /** When: a cron expression, or an interval such as `12 hours`. */
  cron?: string;
  every?: string;
  /** As in `Europe/Zurich`; default: UTC. */
  timezone?: string;
  /** A random delay of up to this long. */
  jitter?: string;
  overlap: Overlap;
  paused?: boolean;
}

/** A schedule in a list. Times are milliseconds since 1970. */
export interface ScheduleView {
  scheduleId: string;
  workflow: string;
  paused: boolean;
  note: string | null;
  nextMs: number | null;
  /** Ids of what it has started last, the newest last. */
  recent: string[];
}

/** @throws RunError when there is one of this id, or the server refuses it */
export async function createSchedule(client: Client, schedule: NewSchedule): Promise<ScheduleView> {
  const { scheduleId, workflow, spec, cron, every, timezone, jitter, overlap, paused } = schedule;
  // The time that is added has 21 characters.
  checkSweepId(`${scheduleId}-2026-01-31T02:00:00Z`);
  requireSize(spec);
  try {
    const handle = await client.schedule.create({
      scheduleId,
      spec: {
        ...(cron !== undefined && { cronExpressions: [cron] }),
        ...(every !== undefined && { intervals: [{ every }] }),
        ...(timezone !== undefined && { timezone }),
        ...(jitter !== undefined && { jitter }),
      },
      action: {
        type: 'startWorkflow',
        workflowType: workflow,
        workflowId: scheduleId,
        taskQueue: environment.taskQueue(),
        args: [spec],
        memo: { name: spec.name, stage: 'starting' },
      },
      policies: { overlap: OVERLAPS[overlap] },
      state: { paused: paused ?? false },
    });
    return viewOf(await handle.describe());
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning)
      throw new RunError({
        what: `there is a schedule "${scheduleId}" already`,
        hint: `Delete it with \`gist schedule delete ${scheduleId}\`, or choose another name.`,
      });
    if (isRefusal(error)) throw refusedTimes(schedule, error);
    throw error;
  }
}

const INVALID_ARGUMENT = 3;

/** Whether the server, or the client before it, did not understand the times. */
function isRefusal(error: unknown): boolean {
  if (error instanceof TypeError) return true;
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && cause.code === INVALID_ARGUMENT;
}

function refusedTimes({ cron, every, timezone, jitter }: NewSchedule, cause: unknown): UsageError {
  const given = Object.entries({ cron, every, timezone, jitter }).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option} ${value}`],
  );
  return new UsageError({
    what: `${given.join(' ')} is not understood`,
    hint: 'Write --cron "0 2 * * *" --timezone Europe/Zurich, or --every "12 hours" --jitter "10 minutes".',
    cause,
  });
}

/** A schedule that was changed a moment ago may still be listed as before. */
export async function listSchedules(client: Client): Promise<ScheduleView[]> {
  const schedules: ScheduleView[] = [];
  for await (const summary of client.schedule.list()) schedules.push(viewOf(summary));
  return schedules;
}

function viewOf({
  scheduleId,
  action,
  state,
  info,
}: Pick<ScheduleSummary, 'scheduleId' | 'action' | 'state' | 'info'>): ScheduleView {
  return {
    scheduleId,
    workflow: action?.workflowType ?? '',
    paused: state.paused,
    note: state.note || null,
    nextMs: info.nextActionTimes[0]?.getTime() ?? null,
    recent: info.recentActions.map(({ action: { workflow } }) => workflow.workflowId),
  };
}

export function pauseSchedule(client: Client, scheduleId: string, isPaused: boolean): Promise<void> {
  return withSchedule(scheduleId, async () => {
    const handle = client.schedule.getHandle(scheduleId);
    await (isPaused ? handle.pause('by gist schedule pause') : handle.unpause('by gist schedule resume'));
  });
}

/** Starts its work now, whatever its times are. */
export function triggerSchedule(client: Client, scheduleId: string, overlap?: Overlap): Promise<void> {
  return withSchedule(scheduleId, () =>
    client.schedule.getHandle(scheduleId).trigger(overlap && OVERLAPS[overlap]),
  );
}

/** Starts what would have started in a period of the past. */
export function backfillSchedule(
  client: Client,
  scheduleId: string,
  { start, end, overlap }: { start: Date; end: Date; overlap: Overlap },
): Promise<void> {
  return withSchedule(scheduleId, () =>
    client.schedule.getHandle(scheduleId).backfill({ start, end, overlap: OVERLAPS[overlap] }),
  );
}

/** What it has started runs on. */
export function deleteSchedule(client: Client, scheduleId: string): Promise<void> {
  return withSchedule(scheduleId, () => client.schedule.getHandle(scheduleId).delete());
}

async function withSchedule(scheduleId: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError)
      throw new RunError({
        what: `there is no schedule "${scheduleId}"`,
        hint: '`gist schedule list` lists all.',
      });
    throw error;
  }
}
