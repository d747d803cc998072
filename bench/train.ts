/** Measures the throughput of training steps or generation. Prints one line of JSON. */
import type { NetworkConfig, NetworkSettings } from '../src/gan/config.js';
import type { Program, ProgramDefinition } from '../src/nn/program/program.js';
import { prepareNative, takeStep, trainingWork, type Work } from './steps.js';

export interface TrainBenchJob {
  network: NetworkSettings;
  batch: number;
  gamma: number;
  threads: number;
  seconds: number;
  /** Measure generation instead of training. */
  generate: boolean;
}

export interface TrainBenchResult {
  /** One value per interval of 16 steps, which contains whole periods of all lazy phases. */
  imagesPerSecond: number[];
  peakBytes: number;
  parameters: { G: number; D: number };
  /** Time to build the program and to run each phase once. */
  compileSeconds: number;
  /** Floating-point operations per image, of convolutions and matrix products. */
  flopsPerImage: number;
  /**
   * Floating-point operations per second of a large matrix product, right after the measurement.
   */
  matmulFlops: number;
}

/** Common period of all phases in steps. */
const PERIOD = 16;

export async function benchTraining(job: TrainBenchJob): Promise<TrainBenchResult> {
  prepareNative(job.threads);
  const { resolveNetworkConfig } = await import('../src/gan/config.js');
  const { createProgram } = await import('../src/nn/program/program.js');
  const { countFlops, matmulRate } = await import('./flops.js');
  const config = resolveNetworkConfig(job.network);
  const { batch, gamma } = job;
  const work = job.generate ? await generation(config, batch) : await trainingWork(config, { batch, gamma });
  const started = performance.now();
  const program = await createProgram(work.definition, { mode: 'graph' });
  await takeStep(program, work, 0);
  const compileSeconds = (performance.now() - started) / 1000;
  const imagesPerSecond = await measure(program, work, batch, job.seconds);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  program.dispose();
  const counts = countFlops(work.definition);
  const perStep = work.schedule.map(({ phase, interval }) => (counts[phase] ?? 0) / interval);
  return {
    imagesPerSecond,
    peakBytes,
    parameters: { G: parametersOf(work.definition, 'G'), D: parametersOf(work.definition, 'D') },
    compileSeconds,
    flopsPerImage: perStep.reduce((sum, count) => sum + count, 0) / batch,
    matmulFlops: matmulRate(),
  };
}

async function generation(config: NetworkConfig, batch: number): Promise<Work> {
  const { buildGeneratorProgram } = await import('../src/gan/loss/generator-program.js');
  const definition = buildGeneratorProgram(config, batch);
  return { definition, schedule: [{ phase: 'generate', interval: 1 }], feeds: { psi: Float32Array.of(1) } };
}

/**
 * Images per second of each period, for about the given number of seconds, after one warm-up step.
 */
async function measure(program: Program, work: Work, batch: number, seconds: number): Promise<number[]> {
  await takeStep(program, work, 1);
  const rates: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (rates.length === 0 || performance.now() < end) {
    const before = performance.now();
    for (let step = 0; step < PERIOD; step++) await takeStep(program, work, step);
    rates.push((PERIOD * batch * 1000) / (performance.now() - before));
  }
  return rates;
}

function parametersOf({ optimizers, variables }: ProgramDefinition, network: 'G' | 'D'): number {
  return (optimizers?.[network]?.variables ?? [])
    .map((name) => (variables[name]?.shape ?? []).reduce((product, length) => product * length, 1))
    .reduce((sum, count) => sum + count, 0);
}

const job = process.argv[2];
if (job) {
  const result = await benchTraining(JSON.parse(job) as TrainBenchJob);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}
