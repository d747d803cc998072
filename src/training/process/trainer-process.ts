/**
 * The trainer process: reads its job from the file named on its command line, trains, and writes
 * events as JSON lines.
 */
import { readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordAttempt } from '../../checkpoints/attempts.js';
import { GistError, UsageError, wireError } from '../../core/errors.js';
import { log } from '../../core/log.js';
import { ignoreStopSignals, startService } from '../../core/process-start.js';
import { setDeviceEnvironment } from '../../nn/device-environment.js';
import { fixThreads } from '../../nn/threads.js';
import { type ObjectStore, openStore } from '../../storage/index.js';
import { deviceError } from '../device-errors.js';
import { type MemoryPlan, outOfMemory, reportsOutOfMemory } from '../memory.js';
import { resolveThreads } from '../numeric-environment.js';
import { RetryingStore } from '../../storage/retrying-store.js';
import { Liveness } from './liveness.js';
import { EXIT, showsSteps, type TrainerEvent, type TrainerJob, type TrainingOutcome } from './messages.js';
import { LOADING_ALLOWANCE_MS, OPERATIONS, type TrainerControls } from '../controls.js';
import { setXlaVariables } from '../xla.js';

let stopping = false;
let started = false;
let memory: MemoryPlan | null = null;
let hasTakenSteps = false;
let seesGpus = true;
let recorded = Promise.resolve();

/** How long the record of the attempt is waited for at its end. */
const RECORD_MS = 5_000;

/** Before training has started there is nothing to store, so it does not wait for the compiler. */
function requestStop(): void {
  stopping = true;
  if (started) return;
  emit({ type: 'stopped', checkpoint: null });
  process.exit(EXIT.stopped);
}

/** Writes whole lines without a buffer, since another thread writes to the same pipe. */
function emit(event: TrainerEvent): void {
  let rest = Buffer.from(`${JSON.stringify(event)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(EXIT.orphaned);
      if (code !== 'EAGAIN') throw error;
    }
  }
}

/** Standard input: a request to stop, or its end, which shows that the supervisor has ended. */
function listen(): void {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (line.includes('"stop"')) requestStop();
  });
  lines.on('close', () => {
    log.warn('the supervisor of this training has ended; ending without a checkpoint');
    process.exit(EXIT.orphaned);
  });
  // SLURM and systemd signal every process of a job; only the supervisor decides.
  ignoreStopSignals();
}

function jobFile(): string {
  const file = process.argv[2];
  if (file) return path.resolve(file);
  throw new UsageError({ what: 'the trainer needs the path of a job file', where: 'trainer-process' });
}

/** Sets what TensorFlow reads when it is loaded, so it must be called before. */
function prepareNative({ threads: wanted, engine, xla, tf32 }: TrainerJob['train']): void {
  const threads = resolveThreads(wanted);
  // For previews, TensorFlow would take GPU memory that the official trainer needs.
  seesGpus = engine !== 'stylegan3';
  if (!seesGpus) process.env.CUDA_VISIBLE_DEVICES = '-1';
  process.env.GIST_THREADS = String(threads);
  fixThreads(threads);
  setDeviceEnvironment({ tf32 });
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  setXlaVariables({ xla, tf32 });
  // TensorFlow.js prints to the console: standard output is for events only.
  console.log = console.error;
  console.info = console.error;
}

async function main(): Promise<number> {
  startService();
  listen();
  const job = JSON.parse(readFileSync(jobFile(), 'utf8')) as TrainerJob;
  const env = { ...process.env };
  prepareNative(job.train);
  const liveness = new Liveness(OPERATIONS);
  liveness.startOperation('loading', LOADING_ALLOWANCE_MS);
  const store = new RetryingStore(openStore(job.storeUri), {
    onUnavailable: ({ what }) => {
      liveness.extend();
      emit({ type: 'warning', message: `${what}; retrying` });
    },
  });
  const controls: TrainerControls = {
    store,
    emit: (event) => {
      started ||= event.type === 'started';
      if (event.type === 'started') recorded = record(store, job, event);
      if (event.type === 'memory') memory = event;
      hasTakenSteps ||= showsSteps(event);
      emit(event);
    },
    shouldStop: () => stopping,
    startOperation: (operation, allowanceMs) => liveness.startOperation(operation, allowanceMs),
  };
  const outcome = await train(job, controls, env);
  await Promise.race([recorded, sleep(RECORD_MS)]);
  emit(outcome);
  return outcome.type === 'done' ? EXIT.done : EXIT.stopped;
}

/** Tells users what the attempt started from; without it the training continues. */
async function record(
  store: ObjectStore,
  { runId, attempt }: TrainerJob,
  { resumedFrom, warnings }: Extract<TrainerEvent, { type: 'started' }>,
): Promise<void> {
  try {
    const startedAt = new Date().toISOString();
    await recordAttempt(store, runId, { attempt, startedAt, resumedFrom, warnings });
  } catch (error) {
    log.warn('the record of this attempt could not be written', {
      error: error instanceof Error ? error.name : String(error),
    });
  }
}

/** Loads only the engine that is needed. */
async function train(
  job: TrainerJob,
  controls: TrainerControls,
  env: NodeJS.ProcessEnv,
): Promise<TrainingOutcome> {
  if (job.train.engine === 'stylegan3') {
    const { runOfficialTraining } = await import('../official/loop.js');
    return runOfficialTraining(job, controls, { env, folder: path.dirname(jobFile()) });
  }
  const { runTraining } = await import('../loop.js');
  return runTraining(job, controls);
}

function report(thrown: unknown): number {
  const error = explain(thrown);
  if (!(error instanceof GistError))
    log.error('unexpected error', { stack: error instanceof Error ? error.stack : String(error) });
  emit({ type: 'error', ...wireError(error) });
  return EXIT.failed;
}

/** TensorFlow reports what the machine lacks in a message only. */
function explain(thrown: unknown): unknown {
  if (memory && isOutOfMemory(thrown)) return outOfMemory(memory, hasTakenSteps);
  if (thrown instanceof GistError || !(thrown instanceof Error)) return thrown;
  return (seesGpus ? deviceError([thrown.message]) : null) ?? thrown;
}

/** TensorFlow and Node report it in a message only. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && !(error instanceof GistError) && reportsOutOfMemory(error.message);
}

// process.exit: neither the liveness thread nor native threads may keep a finished trainer alive.
main().then(
  (code) => process.exit(code),
  (error: unknown) => process.exit(report(error)),
);
