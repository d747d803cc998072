/** Resident memory over 2,000 steps of a training: flat, or growing by how much. */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { machine, measure, ROOT } from './measure.mjs';

const FULL = { resolution: 64, cbase: 4096, cmax: 128, batch: 16, looks: [100, 500, 1000, 1500, 2000] };
const QUICK = { resolution: 16, cbase: 256, cmax: 16, batch: 4, looks: [100, 500, 1000, 1500, 2000] };
const LATENTS = { cfg: 'stylegan2', channels: 1, classes: 0, mapDepth: 2, zDim: 512, wDim: 512 };
/** More than this a thousand steps, over the second half, is a leak: allocators keep some pages, and give some back. */
const FLAT_BYTES = 20e6;

export function benchMemory(isQuick) {
  const { batch, looks: steps, ...sizes } = isQuick ? QUICK : FULL;
  const job = {
    network: { ...sizes, ...LATENTS },
    batch,
    gamma: 1,
    threads: availableParallelism(),
    looks: steps,
  };
  const looks = measure(process.execPath, [path.join(ROOT, 'dist/bench/memory.js'), JSON.stringify(job)]);
  const growthPer1000 = growth(looks.filter(({ step }) => step >= steps.at(-1) / 2));
  const sameTensors = looks.every(({ tensors }) => tensors === looks[0].tensors);
  const isFlat = sameTensors && growthPer1000 <= FLAT_BYTES;
  return { machine: machine(), ...sizes, batch, looks, growthPer1000, sameTensors, isFlat };
}

/** Bytes a thousand steps, from the first look to the last. */
function growth(looks) {
  const [first, last] = [looks[0], looks.at(-1)];
  return ((last.residentBytes - first.residentBytes) / (last.step - first.step)) * 1000;
}

export function memoryTable({ machine: on, resolution, cbase, cmax, batch, looks, growthPer1000, isFlat }) {
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  const line = ({ step, residentBytes, tensors, seconds }) =>
    `  step ${String(step).padStart(5)} ${megabytes(residentBytes).padStart(10)} ${tensors} tensors, after ${seconds.toFixed(0)} s`;
  return [
    `memory: stylegan2, ${resolution}x${resolution}, cbase ${cbase}, cmax ${cmax}, batch ${batch}, on ${on}`,
    ...looks.map(line),
    `  ${megabytes(growthPer1000)} more a thousand steps, over the second half: ${isFlat ? 'flat' : 'NOT flat'}`,
    '',
  ].join('\n');
}
