/**
 * Task tokens of the activities that a worker is executing, in files: what a killed worker was
 * doing is known to the next one, long before heartbeats time out.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Context } from '@temporalio/activity';
import { ActivityNotFoundError, type Client, isGrpcServiceError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { z } from 'zod';
import { log } from '../core/log.js';
import { isAlive, type ProcessId, thisProcess } from '../core/process-id.js';
import type { ActivityFailureDetails } from '../spec/controls.js';

const NAME = /^(\d+)-(\d+)-\d+\.json$/;
/** The same folder may be on a disk that several machines share. */
const recordSchema = z.object({ host: z.string(), attempt: z.int(), token: z.string() });

/** UNAVAILABLE and DEADLINE_EXCEEDED of gRPC. */
const UNREACHABLE = new Set([14, 4]);

export class InFlight {
  private readonly id = thisProcess();
  private recorded = 0;
  private isWritable = true;

  constructor(private readonly folder: string) {}

  /** For {@link WorkerOptions.interceptors}. */
  readonly interceptor = ({ info }: Context): { inbound: ActivityInboundCallsInterceptor } => ({
    inbound: {
      execute: async (input, next) => {
        const file = this.record(info.attempt, info.taskToken);
        try {
          return await next(input);
        } finally {
          if (file) rmSync(file, { force: true });
        }
      },
    },
  });

  /** Without a place for the file, a kill is noticed when heartbeats time out. */
  private record(attempt: number, token: Uint8Array): string | undefined {
    if (this.id.started === '') return undefined;
    const name = `${this.id.pid}-${this.id.started}-${this.recorded++}.json`;
    const file = path.join(this.folder, name);
    const record = { host: hostname(), attempt, token: Buffer.from(token).toString('base64') };
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
      renameSync(`${file}.new`, file);
      this.isWritable = true;
      return file;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (this.isWritable) log.warn('activities in progress cannot be recorded', { code, in: 'GIST_HOME' });
      this.isWritable = false;
      return undefined;
    }
  }
}

/** Fails the activities of workers on this machine that were killed, so that they are retried. */
export async function failAbandoned(folder: string, client: Client): Promise<void> {
  for (const name of namesIn(folder)) {
    const file = path.join(folder, name);
    const id = processOf(name);
    if (!id || isAlive(id)) continue;
    const record = readRecord(file);
    if (record && record.host !== hostname()) continue;
    if (record) await failActivity(client, record);
    rmSync(file, { force: true });
  }
}

async function failActivity(
  client: Client,
  { token, attempt }: z.output<typeof recordSchema>,
): Promise<void> {
  const what = 'the worker was killed';
  const details: ActivityFailureDetails = { what, causeClass: 'worker', outcome: 'retry', attempts: attempt };
  const failure = ApplicationFailure.create({
    type: 'WorkerKilled',
    message: what,
    nonRetryable: false,
    details: [details],
  });
  try {
    await client.activity.fail(Buffer.from(token, 'base64'), failure);
    log.info('an activity of a killed worker starts again', { attempt: attempt + 1 });
  } catch (error) {
    // It has timed out and was retried, or its run has ended.
    if (error instanceof ActivityNotFoundError) return;
    if (isUnreachable(error)) throw error;
    // Its server does not know it: this is another server or namespace now.
    log.warn('an activity of a killed worker cannot be failed; its heartbeats will time out', {
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

function isUnreachable(error: unknown): boolean {
  const cause = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : error;
  return isGrpcServiceError(cause) && UNREACHABLE.has(cause.code);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function processOf(name: string): ProcessId | undefined {
  const [, pid, started] = NAME.exec(name) ?? [];
  return pid !== undefined && started !== undefined ? { pid: Number(pid), started } : undefined;
}

/** undefined for a file that another version has written, or that is gone. */
function readRecord(file: string): z.output<typeof recordSchema> | undefined {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
