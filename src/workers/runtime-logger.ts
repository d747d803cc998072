/** Passes Temporal's log lines to our logger: names and numbers only, never inputs or results. */
import { DefaultLogger } from '@temporalio/worker';
import { log, type LogFields } from '../core/log.js';

const LOGGED_FIELDS = [
  'workflowId',
  'runId',
  'activityType',
  'activityId',
  'attempt',
  'taskQueue',
  'workflowType',
  'error',
] as const;

/** What the SDK warns of when a worker polls for activities only, as ours of most queues do. */
const ACTIVITIES_ONLY = 'No workflows registered';

export function runtimeLogger(): DefaultLogger {
  return new DefaultLogger('WARN', ({ level, message, meta }) => {
    if (message.startsWith(ACTIVITIES_ONLY)) return;
    const write = level === 'ERROR' ? log.error : log.warn;
    write(message, fieldsOf(meta ?? {}));
  });
}

function fieldsOf(meta: Record<string | symbol, unknown>): LogFields {
  const fields: LogFields = {};
  for (const key of LOGGED_FIELDS) {
    const value = meta[key];
    if (value instanceof Error) fields[key] = value.message;
    else if (typeof value === 'string' || typeof value === 'number') fields[key] = value;
  }
  return fields;
}
