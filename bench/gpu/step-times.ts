/**
 * Times the phases of a training step, and whole steps, on random data. Prints one line of JSON.
 */
import type { NetworkSettings } from '../../src/gan/config.js';
import type { Program } from '../../src/nn/program/program.js';
import { prepareNative, takeStep, trainingWork, type Work } from '../steps.js';
import { peakMemory } from './memory.js';

export interface StepTimesJob {
  network: NetworkSettings;
  batch: number;
  threads: number;
  /** Time for whole steps, after each phase was timed by itself. */
  seconds: number;
}

export interface StepTimesResult {
  device: 'GPU' | 'CPU';
  library: string;
  /** Seconds until the program is built, and until each phase has run once. */
  buildSeconds: number;
  firstStepSeconds: number;
  /** Median milliseconds of each phase. */
  phases: Record<string, number>;
  imagesPerSecond: number;
  /** Of the card on a GPU, else resident memory of the process; null where it is unknown. */
  peakBytes: number | null;
}

const REPETITIONS = 5;
/** Common period of all phases in steps. */
const PERIOD = 16;

async function timeSteps(job: StepTimesJob): Promise<StepTimesResult> {
  prepareNative(job.threads);
  const { resolveNetworkConfig } = await import('../../src/gan/config.js');
  const { createProgram } = await import('../../src/nn/program/program.js');
  const { libraryVersion, usesGpu } = await import('../../src/nn/tensorflow.js');
  const work = await trainingWork(resolveNetworkConfig(job.network), { batch: job.batch, gamma: 1 });
  const started = performance.now();
  const program = await createProgram(work.definition, { mode: 'graph' });
  const built = performance.now();
  await takeStep(program, work, 0);
  const stepped = performance.now();
  const phases = await timePhases(program, work);
  const imagesPerSecond = await timePeriods(program, work, job);
  return {
    device: usesGpu() ? 'GPU' : 'CPU',
    library: libraryVersion(),
    buildSeconds: (built - started) / 1000,
    firstStepSeconds: (stepped - built) / 1000,
    phases,
    imagesPerSecond,
    peakBytes: peakMemory(process.pid, usesGpu()),
  };
}

async function timePhases(program: Program, work: Work): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  for (const { phase } of work.schedule) {
    const alone: Work = { ...work, schedule: [{ phase, interval: 1 }] };
    times[phase] = await median(REPETITIONS, () => takeStep(program, alone, 0));
  }
  return times;
}

/** Median over periods of 16 steps, which contain each lazy phase as often as a training does. */
async function timePeriods(program: Program, work: Work, { batch, seconds }: StepTimesJob): Promise<number> {
  const end = performance.now() + seconds * 1000;
  const period = async () => {
    for (let step = 0; step < PERIOD; step++) await takeStep(program, work, step);
  };
  const milliseconds = await median(REPETITIONS, period, () => performance.now() < end);
  return (PERIOD * batch * 1000) / milliseconds;
}

/** Median duration in milliseconds of up to `most` repetitions, at least one. */
async function median(
  most: number,
  work: () => Promise<void>,
  mayGoOn: () => boolean = () => true,
): Promise<number> {
  const times: number[] = [];
  do {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  } while (times.length < most && mayGoOn());
  return times.sort((a, b) => a - b)[times.length >> 1] as number;
}

const job = JSON.parse(process.argv[2] as string) as StepTimesJob;
process.stdout.write(`${JSON.stringify(await timeSteps(job))}\n`);
process.exit(0);
