/** Measures our training steps and generation: builds the programs of a job's sizes, runs them for some seconds, prints one JSON line. */
import type { NetworkConfig, NetworkSettings } from '../src/gan/config.js';
import type { TrainingOptions } from '../src/gan/loss/options.js';
import type { Program, ProgramDefinition } from '../src/nn/program.js';

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
  /** One figure an interval of 16 steps: every lazy phase is in it as often as in a training. */
  imagesPerSecond: number[];
  peakBytes: number;
  parameters: { G: number; D: number };
  /** Building the program and the first run of every phase. */
  compileSeconds: number;
  /** Floating-point operations an image, of convolutions and matrix products. */
  flopsPerImage: number;
  /** Operations a second of a large matrix product, just after the measurement. */
  matmulFlops: number;
}

/** Steps in which every phase comes as often as it should. */
const PERIOD = 16;

/** As the trainer process sets them: TensorFlow reads these when it is loaded. */
function prepareNative(threads: number): void {
  process.env.GIST_THREADS = String(threads);
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_NUM_INTEROP_THREADS = '1';
  process.env.OMP_NUM_THREADS = String(threads);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  console.log = console.error;
  console.info = console.error;
}

/** Phases and every how many steps each runs. */
type Schedule = readonly (readonly [phase: string, interval: number])[];

interface Work {
  definition: ProgramDefinition;
  schedule: Schedule;
  feeds: Record<string, Float32Array>;
}

export async function benchTraining(job: TrainBenchJob): Promise<TrainBenchResult> {
  prepareNative(job.threads);
  const { resolveNetworkConfig } = await import('../src/gan/config.js');
  const { resolveTrainingOptions } = await import('../src/gan/loss/options.js');
  const { createProgram } = await import('../src/nn/program.js');
  const { countFlops, matmulRate } = await import('./flops.js');
  const config = resolveNetworkConfig(job.network);
  const { batch, gamma } = job;
  const options = resolveTrainingOptions(config, {
    batch,
    gamma,
    glr: 'auto',
    dlr: 'auto',
    emaKimg: 'auto',
    seed: 0,
  });
  const work = job.generate ? await generation(config, batch) : await training(config, options);
  const started = performance.now();
  const program = await createProgram(work.definition, { mode: 'graph' });
  await takeStep(program, work, 0);
  const compileSeconds = (performance.now() - started) / 1000;
  const imagesPerSecond = await measure(program, work, batch, job.seconds);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  program.dispose();
  const counts = countFlops(work.definition);
  const perStep = work.schedule.map(([phase, interval]) => (counts[phase] ?? 0) / interval);
  return {
    imagesPerSecond,
    peakBytes,
    parameters: { G: parametersOf(work.definition, 'G'), D: parametersOf(work.definition, 'D') },
    compileSeconds,
    flopsPerImage: perStep.reduce((sum, count) => sum + count, 0) / batch,
    matmulFlops: matmulRate(),
  };
}

async function training(config: NetworkConfig, options: TrainingOptions): Promise<Work> {
  const { buildTrainingProgram } = await import('../src/gan/loss/training-program.js');
  const definition = buildTrainingProgram(config, options);
  const schedule: Schedule = [
    ['generatorMain', 1],
    ['generatorPathLength', options.plInterval],
    ['discriminatorMain', 1],
    ['discriminatorR1', options.r1Interval],
    ['ema', 1],
  ];
  const feeds = { beta: Float32Array.of(0.998) };
  return { definition, schedule: schedule.filter(([phase]) => phase in definition.phases), feeds };
}

async function generation(config: NetworkConfig, batch: number): Promise<Work> {
  const { buildGeneratorProgram } = await import('../src/gan/loss/generator-program.js');
  const definition = buildGeneratorProgram(config, batch);
  return { definition, schedule: [['generate', 1]], feeds: { psi: Float32Array.of(1) } };
}

async function takeStep(
  program: Program,
  { definition, schedule, feeds }: Work,
  step: number,
): Promise<void> {
  for (const [phase, interval] of schedule) {
    if (step % interval !== 0) continue;
    const wanted = Object.entries(definition.phases[phase]?.feeds ?? {});
    const fed = wanted.map(([name, { shape }]) => {
      if (name === 'seed') return [name, Int32Array.of(step, phase.length)] as const;
      return [name, feeds[name] ?? uniform(shape)] as const;
    });
    await program.run(phase, Object.fromEntries(fed));
  }
}

function uniform(shape: readonly number[]): Float32Array {
  const size = shape.reduce((product, length) => product * length, 1);
  return Float32Array.from({ length: size }, () => Math.random() * 2 - 1);
}

/** Images a second of each whole period, for about so many seconds, after one step to warm up. */
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
