/**
 * Records of the attempts at a training, beside its checkpoints: what each started from, and the
 * end of its log.
 */
import { z } from 'zod';
import { findObject } from '../storage/find-object.js';
import { findJson, putJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { refSchema } from './list.js';
import { trainPrefix } from './manifest.js';

const recordSchema = z.object({
  /** When it was scheduled, in milliseconds since 1970: records sort by it. */
  attempt: z.number(),
  /** ISO 8601. */
  startedAt: z.string(),
  /** null: from scratch. */
  resumedFrom: refSchema.nullable(),
  warnings: z.array(z.string()),
});
export type AttemptRecord = z.output<typeof recordSchema>;

/** Bytes of the log that are kept of an attempt: its last ones. */
export const ATTEMPT_LOG_BYTES = 256 * 1024;

function keyOf(runId: string, attempt: number, extension: 'json' | 'log'): string {
  return `${trainPrefix(runId)}attempts/${attempt}.${extension}`;
}

export async function recordAttempt(store: ObjectStore, runId: string, record: AttemptRecord): Promise<void> {
  await putJson(store, keyOf(runId, record.attempt, 'json'), record);
}

export async function recordAttemptLog(
  store: ObjectStore,
  runId: string,
  attempt: number,
  log: Uint8Array,
): Promise<void> {
  await store.put(keyOf(runId, attempt, 'log'), log, { contentType: 'text/plain' });
}

/** Numbers of the attempts that have left a record or a log, oldest first. */
export async function listAttempts(store: ObjectStore, runId: string): Promise<number[]> {
  const attempts = new Set<number>();
  for await (const { key } of store.list(`${trainPrefix(runId)}attempts/`)) {
    const attempt = /\/(\d+)\.(?:json|log)$/.exec(key)?.[1];
    if (attempt) attempts.add(Number(attempt));
  }
  return [...attempts].sort((a, b) => a - b);
}

/** null for an attempt that ended before it had started to train. */
export function findAttempt(
  store: ObjectStore,
  runId: string,
  attempt: number,
): Promise<AttemptRecord | null> {
  return findJson(store, keyOf(runId, attempt, 'json'), recordSchema);
}

/** null while the attempt runs, and where its worker ended with it. */
export async function findAttemptLog(
  store: ObjectStore,
  runId: string,
  attempt: number,
): Promise<string | null> {
  const bytes = await findObject(store, keyOf(runId, attempt, 'log'));
  return bytes && Buffer.from(bytes).toString('utf8');
}

/** What an attempt at a training left in the store. */
export interface Attempt {
  attempt: number;
  record: AttemptRecord | null;
  /** Last lines of its log. */
  lines: string[];
}

/** More are of no use to a reader: a training that is evicted often has hundreds. */
const READ_ATTEMPTS = 10;

/** The last attempts at a training, oldest first. @param count lines of each log, from the end */
export async function readAttempts(store: ObjectStore, runId: string, count: number): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const attempt of (await listAttempts(store, runId)).slice(-READ_ATTEMPTS)) {
    const [record, log] = await Promise.all([
      findAttempt(store, runId, attempt),
      findAttemptLog(store, runId, attempt),
    ]);
    attempts.push({ attempt, record, lines: log?.trimEnd().split('\n').slice(-count) ?? [] });
  }
  return attempts;
}
