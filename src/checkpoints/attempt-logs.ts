/** Logs that the attempts of a training have left in the store. */
import type { ObjectStore } from '../storage/index.js';
import { trainPrefix } from './manifest.js';

export interface AttemptLog {
  /** Name of its objects. */
  attempt: string;
  lines: string[];
}

/**
 * Reads `attempts/<attempt>.log` and `attempts/<attempt>.json` of a training, the oldest first.
 *
 * @param count lines of each, from the end
 */
export async function readAttemptLogs(
  store: ObjectStore,
  runId: string,
  count: number,
): Promise<AttemptLog[]> {
  const prefix = `${trainPrefix(runId)}attempts/`;
  const logs = new Map<string, string[]>();
  for await (const { key } of store.list(prefix)) {
    const [, attempt] = /^(.+)\.(log|json)$/.exec(key.slice(prefix.length)) ?? [];
    if (attempt === undefined) continue;
    const text = Buffer.from(await store.get(key))
      .toString('utf8')
      .trimEnd();
    logs.set(attempt, [...(logs.get(attempt) ?? []), ...text.split('\n').slice(-count)]);
  }
  return [...logs].map(([attempt, lines]) => ({ attempt, lines }));
}
