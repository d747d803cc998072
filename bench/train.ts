/** Measures our training steps: builds the program of a job's sizes, steps for some seconds, prints one JSON line. */
import type { NetworkSettings } from '../src/gan/config.js';

export interface TrainBenchJob {
  network: NetworkSettings;
  batch: number;
  gamma: number;
  threads: number;
  seconds: number;
}

export interface TrainBenchResult {
  /** One figure an interval of 16 steps: every lazy phase is in it as often as in a training. */
  imagesPerSecond: number[];
  peakBytes: number;
  parameters: { G: number; D: number };
  /** Building the program and the first run of every phase. */
  compileSeconds: number;
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

export async function benchTraining(job: TrainBenchJob): Promise<TrainBenchResult> {
  prepareNative(job.threads);
  const { resolveNetworkConfig } = await import('../src/gan/config.js');
  const { resolveTrainingOptions } = await import('../src/gan/loss/options.js');
  const { buildTrainingProgram } = await import('../src/gan/loss/training-program.js');
  const { createProgram } = await import('../src/nn/program.js');
  const { batch, gamma } = job;
  const config = resolveNetworkConfig(job.network);
  const options = resolveTrainingOptions(config, {
    batch,
    gamma,
    glr: 'auto',
    dlr: 'auto',
    emaKimg: 'auto',
    seed: 0,
  });
  const started = performance.now();
  const definition = buildTrainingProgram(config, options);
  const program = await createProgram(definition, { mode: 'graph' });
  const real = Float32Array.from(
    { length: batch * config.resolution ** 2 * config.channels },
    () => Math.random() * 2 - 1,
  );
  const labels = new Float32Array(batch * config.classes);
  for (let i = 0; config.classes > 0 && i < batch; i++) labels[i * config.classes + (i % config.classes)] = 1;
  const available: Record<string, Float32Array | Int32Array> = { real, labels, beta: Float32Array.of(0.998) };
  let step = 0;
  const takeStep = async () => {
    for (const [phase, interval] of [
      ['generatorMain', 1],
      ['generatorPathLength', options.plInterval],
      ['discriminatorMain', 1],
      ['discriminatorR1', options.r1Interval],
      ['ema', 1],
    ] as const) {
      if (step % interval !== 0) continue;
      available.seed = Int32Array.of(step, phase.length);
      const wanted = Object.keys(definition.phases[phase]?.feeds ?? {});
      await program.run(
        phase,
        Object.fromEntries(wanted.map((name) => [name, available[name] ?? new Float32Array(0)])),
      );
    }
    step++;
  };
  await takeStep();
  const compileSeconds = (performance.now() - started) / 1000;
  await takeStep();
  step = 0;
  const imagesPerSecond: number[] = [];
  const end = performance.now() + job.seconds * 1000;
  while (imagesPerSecond.length === 0 || performance.now() < end) {
    const before = performance.now();
    for (let i = 0; i < PERIOD; i++) await takeStep();
    imagesPerSecond.push((PERIOD * batch * 1000) / (performance.now() - before));
  }
  const size = (network: 'G' | 'D') =>
    (definition.optimizers?.[network]?.variables ?? [])
      .map((name) => (definition.variables[name]?.shape ?? []).reduce((product, side) => product * side, 1))
      .reduce((sum, count) => sum + count, 0);
  program.dispose();
  return {
    imagesPerSecond,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    parameters: { G: size('G'), D: size('D') },
    compileSeconds,
  };
}

const job = process.argv[2];
if (job) {
  const result = await benchTraining(JSON.parse(job) as TrainBenchJob);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}
