/** Resident memory of the trainer over 2,000 steps, and its growth. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, ROOT } from './measure.mjs';

const FULL = { images: 500, resolution: 64, steps: 2000, cbase: 4096, cmax: 128, batch: 16 };
const QUICK = { images: 64, resolution: 16, steps: 2000, cbase: 256, cmax: 16, batch: 4 };
/** Enables other work of a training: adaptive augmentation, snapshots and checkpoints. */
const REST = { cfg: 'stylegan2', gamma: 1, mapDepth: 2, aug: 'ada', adaKimg: 10, cond: false };
const SNAPSHOTS = 10;
const CHECKPOINT_SECONDS = 5;
/** Fraction of the steps for warm-up, which includes compilation and the first checkpoints. */
const WARM_UP_FRACTION = 1 / 4;
/**
 * Faster growth per 1,000 steps after warm-up counts as a leak. Allocators cause some variation.
 */
const MAX_GROWTH_MIB = 20;
const MIB = 2 ** 20;

export function benchMemory(isQuick) {
  if (!existsSync('/proc/self/status')) fail('memory is measured with /proc, which only exists on Linux.');
  const { images, resolution, steps, ...sizes } = isQuick ? QUICK : FULL;
  const spec = {
    ...sizes,
    ...REST,
    checkpointMinutes: CHECKPOINT_SECONDS / 60,
    threads: availableParallelism(),
  };
  const job = { images, resolution, steps, snapshotSteps: steps / SNAPSHOTS, spec };
  const command = [path.join(ROOT, 'dist/bench/memory.js'), JSON.stringify(job)];
  const { samples, peakBytes, checkpoints } = measure(process.execPath, command);
  const warm = samples.filter(({ step }) => step >= steps * WARM_UP_FRACTION);
  if (warm.length < 2) fail('the training ended before two samples were taken.');
  const memory = {
    start: mib(warm[0].residentBytes),
    peak: mib(peakBytes),
    end: mib(warm.at(-1).residentBytes),
    slopePer1000Steps: slope(warm) * 1000,
  };
  const isFlat = memory.slopePer1000Steps <= MAX_GROWTH_MIB;
  return {
    machine: machine(),
    ...job,
    samples,
    checkpoints,
    warmStep: warm[0].step,
    memoryMib: memory,
    isFlat,
  };
}

function mib(bytes) {
  return bytes / MIB;
}

/** Slope of a least-squares line through all samples, in MiB per step. */
function slope(samples) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [samples.map(({ step }) => step), samples.map(({ residentBytes }) => mib(residentBytes))];
  const [mx, my] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - mx) * (y[i] - my)));
  return covariance / mean(x.map((value) => (value - mx) ** 2));
}

export function memoryTable({ machine: on, resolution, steps, spec, samples, memoryMib, ...rest }) {
  const { cfg, cbase, cmax, batch } = spec;
  const { start, peak, end, slopePer1000Steps } = memoryMib;
  const shown = (value) => `${value.toFixed(1).padStart(8)} MiB`;
  return [
    `memory: ${cfg}, ${resolution}x${resolution}, cbase ${cbase}, cmax ${cmax}, batch ${batch}, aug ${spec.aug}, on ${on}`,
    `  ${steps} steps and ${rest.checkpoints} checkpoints in ${samples.at(-1).seconds.toFixed(0)} s`,
    `  start ${shown(start)}, at step ${rest.warmStep}`,
    `  peak  ${shown(peak)}, including warm-up`,
    `  end   ${shown(end)}`,
    `  ${slopePer1000Steps.toFixed(1)} MiB per 1,000 steps, after warm-up: ${rest.isFlat ? 'flat' : 'NOT flat'}`,
    '',
  ].join('\n');
}
