/** One optimisation step: the phases in StyleGAN2's order, each fed from (seed, step) alone. */
import { RandomStream } from '../core/random.js';
import { adapt } from '../gan/augment/controller.js';
import { blurMatrix } from '../gan/loss/blur.js';
import { pathLengthImages } from '../gan/loss/phases.js';
import { pathLengthRound, roundsOf, rowsOf } from '../gan/loss/accumulation.js';
import type { Training } from './training.js';

/** Phases in order; every `interval` steps. */
const MAIN = 1;

/**
 * Gmain, Greg when due, Dmain, Dreg when due, the weight average; counters and the augmentation's strength move on.
 *
 * @returns what the phases put out, by statistic
 */
export async function takeStep(training: Training): Promise<Record<string, Float32Array>> {
  const { counters, options } = training;
  const phases = [
    ['generatorMain', MAIN],
    ['generatorPathLength', options.plInterval],
    ['discriminatorMain', MAIN],
    ['discriminatorR1', options.r1Interval],
    ['ema', MAIN],
  ] as const;
  const outputs: Record<string, Float32Array> = {};
  for (const [phase, interval] of phases) {
    if (interval === 0 || counters.step % interval !== 0) continue;
    Object.assign(outputs, await runPhase(training, phase));
  }
  counters.step += 1;
  counters.images += options.batch;
  counters.dataPosition += options.batch;
  const signs = outputs['Loss/signs/real'] as Float32Array;
  counters.augmentation = adapt(counters.augmentation, options.augmentation, signs, counters.step);
  return outputs;
}

/** All of a phase: at once, or in rounds and what ends them. */
async function runPhase(training: Training, phase: string): Promise<Record<string, Float32Array>> {
  const { program, definition } = training;
  const whole = feeds(training, phase);
  if (!definition.phases[`${phase}.apply`]) return program.run(phase, whole);
  const rounds = roundsOfPhase(training, phase, whole);
  if (definition.phases[`${phase}.measure`]) {
    const measured: Record<string, Float32Array>[] = [];
    for (const round of rounds) measured.push(await program.run(`${phase}.measure`, round));
    const lengths = joined(measured).lengths ?? new Float32Array();
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    for (const round of rounds) round.lengthMean = Float32Array.of(mean);
  }
  const made: Record<string, Float32Array>[] = [];
  for (const round of rounds) made.push(await program.run(phase, round));
  await program.run(`${phase}.apply`, {});
  return joined(made);
}

/** What is fed to each round: its rows of what is an image's own, and all of the rest. */
function roundsOfPhase(training: Training, phase: string, whole: PhaseFeeds): PhaseFeeds[] {
  const { batch, batchGpu } = training.options;
  const isPathLength = phase === 'generatorPathLength';
  const total = isPathLength ? pathLengthImages(training.options) : batch;
  const most = Math.floor(batchGpu / training.options.plBatchShrink);
  const images = isPathLength ? pathLengthRound(total, most) : batchGpu;
  const wanted = training.definition.phases[phase]?.feeds ?? {};
  return roundsOf(total, images).map((rows) => {
    const fed: PhaseFeeds = { ...whole };
    for (const name of ['real', 'labels']) {
      const values = whole[name];
      if (values instanceof Float32Array) fed[name] = rowsOf(values, batch, rows);
    }
    if (wanted.rows) fed.rows = rows;
    return fed;
  });
}

/** One output after another. */
function joined(parts: readonly Record<string, Float32Array>[]): Record<string, Float32Array> {
  const names = Object.keys(parts[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, Float32Array.from(parts.flatMap((part) => [...(part[name] ?? [])]))]),
  );
}

type PhaseFeeds = Record<string, Float32Array | Int32Array>;

/** Whatever the phase asks for. */
function feeds(training: Training, phase: string): Record<string, Float32Array | Int32Array> {
  const wanted = training.definition.phases[phase]?.feeds ?? {};
  const { data, counters, options } = training;
  const fed: Record<string, Float32Array | Int32Array> = {};
  const size = options.batch;
  const isDiscriminator = phase.startsWith('discriminator');
  const minibatch = isDiscriminator ? data.batch(counters.dataPosition, size) : null;
  for (const name of Object.keys(wanted)) {
    if (name === 'seed') fed[name] = stepSeed(options.seed, phase, counters.step);
    if (name === 'real' && minibatch) fed[name] = minibatch.real;
    if (name === 'labels')
      fed[name] = minibatch?.labels ?? data.randomLabels(`labels of ${phase}`, counters.step * size, size);
    if (name === 'p') fed[name] = Float32Array.of(counters.augmentation.p);
    if (name === 'blur' && options.blur)
      fed[name] = blurMatrix(training.config.resolution, options.blur, counters.images);
    if (name === 'beta') fed[name] = Float32Array.of(emaBeta(training));
  }
  return fed;
}

/** 64 bits that no other phase or step of this training has. */
function stepSeed(seed: number, phase: string, step: number): Int32Array {
  const bits = new RandomStream(seed, `phase ${phase}`, step).next();
  return Int32Array.of(Number(BigInt.asIntN(32, bits)), Number(BigInt.asIntN(32, bits >> 32n)));
}

/** StyleGAN2-ADA's half-life with ramp-up: shorter while few images were shown. Karras et al. 2020, appendix. */
function emaBeta({ counters, options }: Training): number {
  const { emaKimg, emaRampup } = options;
  const most = emaRampup === null ? Number.POSITIVE_INFINITY : counters.images * emaRampup;
  const halfLife = Math.min(emaKimg * 1000, most);
  return 0.5 ** (options.batch / Math.max(halfLife, 1e-8));
}
