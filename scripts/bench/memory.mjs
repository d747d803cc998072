/** Resident memory of the trainer over 2,000 steps, as the system tells of it: flat, or growing by how much. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, ROOT } from './measure.mjs';

const FULL = { images: 500, resolution: 64, steps: 2000, cbase: 4096, cmax: 128, batch: 16 };
const QUICK = { images: 64, resolution: 16, steps: 2000, cbase: 256, cmax: 16, batch: 4 };
/** Whatever a training does besides its steps: adaptive augmentation, snapshots, checkpoints between them. */
const REST = { cfg: 'stylegan2', gamma: 1, mapDepth: 2, aug: 'ada', adaKimg: 10, cond: false };
const SNAPSHOTS = 10;
const CHECKPOINT_SECONDS = 5;
/** Steps after which allocators have what they need: compiling and the first checkpoints are over. */
const WARM_SHARE = 1 / 4;
/** More than this a thousand steps, after warm-up, is a leak: allocators keep some pages, and give some back. */
const FLAT_MIB = 20;
const MIB = 2 ** 20;

export function benchMemory(isQuick) {
  if (!existsSync('/proc/self/status')) fail('memory is measured by /proc, which Linux alone has.');
  const { images, resolution, steps, ...sizes } = isQuick ? QUICK : FULL;
  const spec = {
    ...sizes,
    ...REST,
    checkpointMinutes: CHECKPOINT_SECONDS / 60,
    threads: availableParallelism(),
  };
  const job = { images, resolution, steps, snapshotSteps: steps / SNAPSHOTS, spec };
  const command = [path.join(ROOT, 'dist/bench/memory.js'), JSON.stringify(job)];
  const { looks, peakBytes, checkpoints } = measure(process.execPath, command);
  const warm = looks.filter(({ step }) => step >= steps * WARM_SHARE);
  if (warm.length < 2) fail('the training was over before it could be looked at twice.');
  const memory = {
    start: mib(warm[0].residentBytes),
    peak: mib(peakBytes),
    end: mib(warm.at(-1).residentBytes),
    slopePer1000Steps: slope(warm) * 1000,
  };
  const isFlat = memory.slopePer1000Steps <= FLAT_MIB;
  return {
    machine: machine(),
    ...job,
    looks,
    checkpoints,
    warmStep: warm[0].step,
    memoryMib: memory,
    isFlat,
  };
}

function mib(bytes) {
  return bytes / MIB;
}

/** Of the straight line through all looks, by least squares, in MiB a step: a checkpoint under way at one of them says little. */
function slope(looks) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [looks.map(({ step }) => step), looks.map(({ residentBytes }) => mib(residentBytes))];
  const [mx, my] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - mx) * (y[i] - my)));
  return covariance / mean(x.map((value) => (value - mx) ** 2));
}

export function memoryTable({ machine: on, resolution, steps, spec, looks, memoryMib, ...rest }) {
  const { cfg, cbase, cmax, batch } = spec;
  const { start, peak, end, slopePer1000Steps } = memoryMib;
  const shown = (value) => `${value.toFixed(1).padStart(8)} MiB`;
  return [
    `memory: ${cfg}, ${resolution}x${resolution}, cbase ${cbase}, cmax ${cmax}, batch ${batch}, aug ${spec.aug}, on ${on}`,
    `  ${steps} steps and ${rest.checkpoints} checkpoints in ${looks.at(-1).seconds.toFixed(0)} s`,
    `  start ${shown(start)}, at step ${rest.warmStep}`,
    `  peak  ${shown(peak)}, at any time`,
    `  end   ${shown(end)}`,
    `  ${slopePer1000Steps.toFixed(1)} MiB more a thousand steps, from the start on: ${rest.isFlat ? 'flat' : 'NOT flat'}`,
    '',
  ].join('\n');
}
