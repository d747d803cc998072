/** `gist schedule`: runs and sweeps that start by themselves. */
import type { Command } from 'commander';
import type { NewSchedule, Overlap, ScheduleView } from '../../client/index.js';
import { requireStack } from '../../client/stack/stack.js';
import { UsageError } from '../../core/errors.js';
import { checkRunId } from '../../spec/run-id.js';
import { collect } from '../options.js';
import { printResult, table } from '../terminal.js';
import { upForRuns } from '../up-for-runs.js';

interface CreateOptions {
  set?: string[];
  cron?: string;
  every?: string;
  timezone?: string;
  jitter?: string;
  overlap: string;
  paused?: boolean;
  json?: boolean;
}

const OVERLAP_HELP =
  'when the one before still runs: skip, buffer-one, buffer-all, cancel-other or allow-all';

const HELP = `
A schedule is kept by the Temporal server and starts its work whether or not this machine runs; a
worker must. What it starts has the name of the schedule and the time as its id. A sweep with
"growing": true trains only sizes that have become possible since the last time.

Examples:
  gist schedule create nightly-sizes examples/size-sweep.json --cron "0 2 * * *" --set growing=true
  gist schedule create knee-weekly knee.yaml --every "7 days" --jitter "30 minutes"
  gist schedule list
  gist schedule pause nightly-sizes
  gist schedule trigger nightly-sizes
  gist schedule backfill nightly-sizes --start 2026-01-01 --end 2026-01-08
  gist schedule delete nightly-sizes`;

export function registerSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('start runs and sweeps by a schedule')
    .addHelpText('after', HELP);
  schedule
    .command('create')
    .argument('<name>', 'name of the schedule')
    .argument('<spec>', 'JSON or YAML file of a run or a sweep')
    .description('create a schedule')
    .option('--cron <expression>', 'when, as in "0 2 * * *"')
    .option('--every <interval>', 'when, as in "12 hours"')
    .option('--timezone <name>', 'of the cron expression, as in Europe/Zurich; default: UTC')
    .option('--jitter <interval>', 'a random delay of up to this long, as in "10 minutes"')
    .option('--overlap <policy>', OVERLAP_HELP, 'skip')
    .option('--set <key=value>', 'change a key of the spec; may be repeated', collect)
    .option('--paused', 'it starts nothing until it is resumed')
    .option('--json', 'for machines')
    .addHelpText('after', HELP)
    .action(create);
  schedule
    .command('list')
    .description('list all schedules')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist schedule list --json')
    .action(list);
  registerOrders(schedule);
  schedule
    .command('backfill')
    .argument('<name>')
    .description('start what would have started in a period of the past')
    .requiredOption('--start <time>', 'ISO 8601, as in 2026-01-01T00:00:00Z')
    .requiredOption('--end <time>', 'ISO 8601')
    .option('--overlap <policy>', OVERLAP_HELP, 'buffer-all')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  gist schedule backfill nightly-sizes --start 2026-01-01 --end 2026-01-08',
    )
    .action(backfill);
}

/** Orders that need nothing but the name of a schedule. */
function registerOrders(schedule: Command): void {
  type Orders = typeof import('../../client/index.js');
  type Order = (
    orders: Orders,
    client: Awaited<ReturnType<Orders['connect']>>,
    name: string,
  ) => Promise<void>;
  const ORDERS: [string, string, string, Order][] = [
    [
      'pause',
      'start nothing until it is resumed',
      'is paused',
      (o, c, name) => o.pauseSchedule(c, name, true),
    ],
    ['resume', 'continue a paused schedule', 'is resumed', (o, c, name) => o.pauseSchedule(c, name, false)],
    ['trigger', 'start its work now', 'has been triggered', (o, c, name) => o.triggerSchedule(c, name)],
    [
      'delete',
      'delete it; what it has started runs on',
      'is deleted',
      (o, c, name) => o.deleteSchedule(c, name),
    ],
  ];
  for (const [order, description, done, send] of ORDERS)
    schedule
      .command(order)
      .argument('<name>', 'name of the schedule')
      .description(description)
      .option('--json', 'for machines')
      .addHelpText('after', `\nExamples:\n  gist schedule ${order} nightly-sizes`)
      .action(async (name: string, { json }: { json?: boolean }) => {
        requireStack();
        const client = await import('../../client/index.js');
        await send(client, await client.connect(), name);
        printResult(json, { scheduleId: name, order }, `Schedule ${name} ${done}.`);
      });
}

async function create(name: string, file: string, options: CreateOptions): Promise<void> {
  checkRunId(name);
  const { cron, every, timezone, jitter, paused, json } = options;
  if ((cron === undefined) === (every === undefined))
    throw new UsageError({
      what: 'a schedule needs --cron or --every, and not both',
      hint: 'Write --cron "0 2 * * *" or --every "12 hours".',
    });
  const { readWork } = await import('../spec-file.js');
  const overlap = await overlapOf(options.overlap);
  const schedule: NewSchedule = {
    ...{ scheduleId: name, ...readWork(file, options.set), cron, every, timezone, jitter, overlap, paused },
  };
  await upForRuns();
  const { connect, createSchedule } = await import('../../client/index.js');
  const created = await createSchedule(await connect(), schedule);
  const next = created.nextMs && !paused ? ` Next start: ${new Date(created.nextMs).toISOString()}.` : '';
  printResult(json, created, `Schedule ${name} is created.${next}`);
}

async function overlapOf(text: string): Promise<Overlap> {
  const { OVERLAPS } = await import('../../client/index.js');
  if (Object.hasOwn(OVERLAPS, text)) return text as Overlap;
  throw new UsageError({
    what: `--overlap ${text} is not a policy`,
    hint: `Policies: ${Object.keys(OVERLAPS).join(', ')}.`,
  });
}

async function list({ json }: { json?: boolean }): Promise<void> {
  requireStack();
  const { connect, listSchedules } = await import('../../client/index.js');
  const schedules = await listSchedules(await connect());
  printResult(json, schedules, formatSchedules(schedules));
}

function formatSchedules(schedules: ScheduleView[]): string {
  if (schedules.length === 0) return 'No schedules. gist schedule create makes one.';
  const rows = schedules.map(({ scheduleId, workflow, paused, nextMs, recent }) => [
    scheduleId,
    workflow,
    paused ? 'paused' : 'active',
    nextMs === null || paused ? '' : new Date(nextMs).toISOString(),
    recent.at(-1) ?? '',
  ]);
  return table([['SCHEDULE', 'STARTS', 'STATE', 'NEXT', 'LAST'], ...rows]);
}

async function backfill(
  name: string,
  { start, end, overlap, json }: { start: string; end: string; overlap: string; json?: boolean },
): Promise<void> {
  const period = {
    start: timeOf('--start', start),
    end: timeOf('--end', end),
    overlap: await overlapOf(overlap),
  };
  if (period.start >= period.end)
    throw new UsageError({ what: `--start ${start} is not before --end ${end}`, hint: 'Exchange them.' });
  requireStack();
  const { backfillSchedule, connect } = await import('../../client/index.js');
  await backfillSchedule(await connect(), name, period);
  printResult(json, { scheduleId: name, ...period }, `Schedule ${name} starts what was due then.`);
}

/** A date, or a time with its zone: without one it would depend on this machine. */
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}))?$/;

function timeOf(option: string, text: string): Date {
  const time = new Date(text);
  if (TIME.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new UsageError({
    what: `${option} ${text} is not a time`,
    hint: `Write ${option} 2026-01-31T02:00:00Z.`,
  });
}
