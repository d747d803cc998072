/** Steps of a program on random data, for the benchmarks. */
import type { NetworkConfig } from '../src/gan/config.js';
import type { Program, ProgramDefinition } from '../src/nn/program/program.js';
import { fixThreads } from '../src/nn/threads.js';

export interface Work {
  definition: ProgramDefinition;
  /** The phases of a step, with the interval of each in steps. */
  schedule: readonly { phase: string; interval: number }[];
  feeds: Record<string, Float32Array>;
}

/** Sets the environment that TensorFlow reads when it is loaded, as the trainer process does. */
export function prepareNative(threads: number): void {
  process.env.GIST_THREADS = String(threads);
  fixThreads(threads);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  console.log = console.error;
  console.info = console.error;
}

/** The phases of a training, with the published intervals of lazy regularization. */
export async function trainingWork(
  config: NetworkConfig,
  { batch, gamma }: { batch: number; gamma: number },
): Promise<Work> {
  const { resolveTrainingOptions } = await import('../src/gan/loss/options.js');
  const { buildTrainingProgram } = await import('../src/gan/loss/training-program.js');
  const auto = { glr: 'auto', dlr: 'auto', emaKimg: 'auto' } as const;
  const options = resolveTrainingOptions(config, { batch, gamma, ...auto, seed: 0 });
  return { ...buildTrainingProgram(config, options), feeds: { beta: Float32Array.of(0.998) } };
}

export async function takeStep(
  program: Program,
  { definition, schedule, feeds }: Work,
  step: number,
): Promise<void> {
  for (const { phase, interval } of schedule) {
    if (step % interval !== 0) continue;
    const expected = Object.entries(definition.phases[phase]?.feeds ?? {});
    const fed = expected.map(([name, { shape }]) => {
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
