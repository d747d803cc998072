/**
 * Supervises a trainer process: starts it, receives its events, stops it, and kills it when it
 * hangs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environment } from '../../core/environment.js';
import { makeScratchFolder, unusableScratch } from '../../core/scratch.js';
import { type GistError, TrainerCrashError } from '../../core/errors.js';
import { log } from '../../core/log.js';
import { ATTEMPT_LOG_BYTES, recordAttemptLog } from '../../checkpoints/attempts.js';
import { openStore } from '../../storage/index.js';
import { deviceError } from '../device-errors.js';
import { type MemoryPlan, adviceForNewRun, memoryKills, outOfMemory, reportsOutOfMemory } from '../memory.js';
import { LogTail } from './log-tail.js';
import {
  EXIT,
  errorOf,
  RESUME_HINT,
  parseEvent,
  STOP_LINE,
  showsSteps,
  type TrainerEvent,
  type TrainerJob,
  type TrainingOutcome,
} from './messages.js';

export interface SuperviseOptions {
  /**
   * Called for every event, in order. An exception thrown here ends the trainer and is rethrown.
   */
  onEvent?: (event: TrainerEvent) => void;
  /** Aborting requests a checkpoint and an end. */
  signal?: AbortSignal;
  /** After this long without an event the trainer counts as hung and is killed. Default: 90 s. */
  stallTimeoutMs?: number;
  /** Time from a request to stop until the trainer is killed. Default: by GIST_GRACE. */
  graceMs?: number;
  /** Added to the environment of the trainer. */
  env?: Record<string, string>;
  /** Called with the process id. */
  onSpawn?: (pid: number) => void;
  /** The program to run. Default: the trainer. */
  main?: string;
}

const STALL_MS = 90_000;
/** How long the log of an attempt may take to be stored. */
const LOG_MS = 5_000;
/** What is left of the worker's grace period for its own end, at most. */
const WORKER_END_MS = 10_000;
/**
 * Lines of the trainer's log that an error may quote; by the logger's rules they hold no patient
 * data.
 */
const TAIL_LINES = 12;
const MAIN = fileURLToPath(new URL('./trainer-process.js', import.meta.url));

/**
 * Runs one attempt in a process group of its own. The child's standard input stays open as long as
 * this process lives: its end tells the child that its supervisor has ended.
 *
 * @throws GistError as raised by the trainer; TrainerCrashError when it died, hung, or did not stop
 *   in time.
 */
export async function superviseTrainer(
  job: TrainerJob,
  options: SuperviseOptions = {},
): Promise<TrainingOutcome> {
  const folder = await makeScratchFolder('trainer');
  try {
    const file = path.join(folder, 'job.json');
    await writeFile(file, JSON.stringify(job), { mode: 0o600 }).catch((error: unknown) => {
      throw unusableScratch(error, folder);
    });
    if (options.signal?.aborted) return { type: 'stopped', checkpoint: null };
    const child = spawn(process.execPath, [options.main ?? MAIN, file], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    const supervision = new Supervision(child, options, job.train.engine !== 'stylegan3');
    return await supervision.outcome().finally(() => keepLog(job, supervision.log.content()));
  } finally {
    // Processes that a killed trainer had started may still write there for a moment.
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Written here, since the trainer may have crashed; without it the outcome is the same. */
async function keepLog({ storeUri, runId, attempt }: TrainerJob, content: Buffer): Promise<void> {
  if (content.byteLength === 0) return;
  const written = Promise.resolve()
    .then(() => recordAttemptLog(openStore(storeUri, { attempts: 1 }), runId, attempt, content))
    .catch((error: unknown) => {
      log.warn('the log of the trainer could not be stored', {
        error: error instanceof Error ? error.name : String(error),
      });
    });
  await Promise.race([written, sleep(LOG_MS, undefined, { ref: false })]);
}

function trainerGraceMs(workerGraceMs: number): number {
  return workerGraceMs - Math.min(WORKER_END_MS, workerGraceMs / 5);
}

class Supervision {
  private final: Extract<TrainerEvent, { type: 'done' | 'stopped' | 'error' }> | null = null;
  private readonly tail: string[] = [];
  readonly log = new LogTail(ATTEMPT_LOG_BYTES);
  private memory: MemoryPlan | null = null;
  private hasTakenSteps = false;
  private readonly killsBefore = memoryKills();
  private killedFor: string | null = null;
  private failure: { error: unknown } | null = null;
  private stall: NodeJS.Timeout | undefined;
  private grace: NodeJS.Timeout | undefined;

  constructor(
    private readonly child: ChildProcess,
    private readonly options: SuperviseOptions,
    /** False where GPUs are hidden on purpose: the library then reports that there is none. */
    private readonly seesGpus: boolean,
  ) {}

  async outcome(): Promise<TrainingOutcome> {
    const { child, options } = this;
    const ended = this.whenEnded();
    if (child.pid !== undefined) options.onSpawn?.(child.pid);
    this.listen();
    const stop = () => this.stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    if (options.signal?.aborted) stop();
    this.armStall();
    // A write to a child that has ended must not end this process.
    child.stdin?.on('error', () => undefined);
    try {
      return this.resolveOutcome(await ended);
    } finally {
      clearTimeout(this.stall);
      clearTimeout(this.grace);
      options.signal?.removeEventListener('abort', stop);
    }
  }

  private whenEnded(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return new Promise((resolve, reject) => {
      this.child.once('error', (cause) => {
        reject(
          new TrainerCrashError({
            what: 'the trainer process could not be started',
            hint: 'Run `gist doctor`.',
            cause,
          }),
        );
      });
      // 'close', not 'exit': it follows the last lines.
      this.child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  private listen(): void {
    const { stdout, stderr } = this.child;
    if (!stdout || !stderr) return;
    createInterface({ input: stdout }).on('line', (line) => this.onLine(line));
    createInterface({ input: stderr }).on('line', (line) => {
      process.stderr.write(`${line}\n`);
      this.log.push(line);
      this.tail.push(line.slice(0, 300));
      if (this.tail.length > TAIL_LINES) this.tail.shift();
    });
  }

  private onLine(line: string): void {
    const event = parseEvent(line);
    if (!event) return;
    this.armStall();
    if (event.type === 'memory') this.memory = event;
    this.hasTakenSteps ||= showsSteps(event);
    if (event.type === 'done' || event.type === 'stopped' || event.type === 'error') this.final = event;
    try {
      this.options.onEvent?.(event);
    } catch (error) {
      this.failure ??= { error };
      this.kill('its listener failed');
    }
  }

  private armStall(): void {
    clearTimeout(this.stall);
    const limit = this.options.stallTimeoutMs ?? STALL_MS;
    this.stall = setTimeout(() => this.kill(`it sent no event for ${Math.round(limit / 1000)} s`), limit);
  }

  private stop(): void {
    const limit = this.options.graceMs ?? trainerGraceMs(environment.graceMs());
    this.grace ??= setTimeout(() => this.kill(`it did not stop within ${Math.round(limit / 1000)} s`), limit);
    this.child.stdin?.write(STOP_LINE, () => undefined);
  }

  /** The whole group, by SIGKILL: that ends a stopped process too. */
  private kill(why: string): void {
    this.killedFor ??= why;
    const { pid } = this.child;
    if (pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended; 'close' follows.
    }
  }

  private resolveOutcome({
    code,
    signal,
  }: {
    code: number | null;
    signal: NodeJS.Signals | null;
  }): TrainingOutcome {
    if (this.failure) throw this.failure.error;
    if (this.final?.type === 'error') throw errorOf(this.final);
    if (this.final && code === EXIT[this.final.type]) return this.final;
    throw this.crash(code, signal);
  }

  private crash(code: number | null, signal: NodeJS.Signals | null): GistError {
    if (this.memory && this.ranOutOfMemory(signal)) return outOfMemory(this.memory, this.hasTakenSteps);
    const device = this.killedFor || !this.seesGpus ? null : deviceError(this.tail);
    if (device) return device;
    const how = this.killedFor
      ? `was killed because ${this.killedFor}`
      : `ended by ${signal ?? `exit code ${code}`}`;
    const memory =
      !this.killedFor && signal === 'SIGKILL' && this.memory
        ? ` If memory was the cause: ${adviceForNewRun(this.memory)}`
        : '';
    const tail = this.tail.length > 0 ? ` Its last lines: ${this.tail.join(' | ')}` : '';
    return new TrainerCrashError({
      what: `the trainer ${how}.${tail}`,
      hint: `${RESUME_HINT}${memory}`,
    });
  }

  /**
   * It reported it before it aborted, or the kernel has killed for memory since, or the estimate
   * did not fit.
   */
  private ranOutOfMemory(signal: NodeJS.Signals | null): boolean {
    if (this.killedFor) return false;
    if (signal === 'SIGKILL') return memoryKills() > this.killsBefore;
    if (this.tail.some(reportsOutOfMemory)) return true;
    // A library without memory may just crash.
    if (signal === null || this.memory === null || this.memory.availableBytes === null) return false;
    return this.memory.neededBytes > this.memory.availableBytes;
  }
}
