/** Measures whether a training's memory is flat: takes some thousand steps, looks at resident memory now and then, prints one JSON line. */
import type { NetworkSettings } from '../src/gan/config.js';
import { prepareNative, takeStep, trainingWork } from './steps.js';

export interface MemoryBenchJob {
  network: NetworkSettings;
  batch: number;
  gamma: number;
  threads: number;
  /** Steps after which memory is looked at, rising; the last is the length of the run. */
  looks: number[];
}

export interface MemoryLook {
  step: number;
  residentBytes: number;
  /** Tensors that TensorFlow.js knows of. */
  tensors: number;
  seconds: number;
}

export async function benchMemory(job: MemoryBenchJob): Promise<MemoryLook[]> {
  prepareNative(job.threads);
  const { resolveNetworkConfig } = await import('../src/gan/config.js');
  const { createProgram } = await import('../src/nn/program.js');
  const { tf } = await import('../src/nn/tensorflow.js');
  const work = await trainingWork(resolveNetworkConfig(job.network), job);
  const program = await createProgram(work.definition, { mode: 'graph' });
  const started = performance.now();
  const looks: MemoryLook[] = [];
  for (let step = 0; step < (job.looks.at(-1) ?? 0); step++) {
    await takeStep(program, work, step);
    if (!job.looks.includes(step + 1)) continue;
    looks.push({
      step: step + 1,
      residentBytes: process.memoryUsage.rss(),
      tensors: tf.memory().numTensors,
      seconds: (performance.now() - started) / 1000,
    });
  }
  program.dispose();
  return looks;
}

const job = process.argv[2];
if (job) {
  process.stdout.write(`${JSON.stringify(await benchMemory(JSON.parse(job) as MemoryBenchJob))}\n`);
  process.exit(0);
}
