/** Compares the algebra of FID with torch-fidelity; measures the memory of nearest neighbors. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, median, peerPython, ROOT } from './measure.mjs';

const FEATURES = 2048;
const CLOSE = 1e-6;
const LIMIT_BYTES = 4e9;

/** Both sides read the same features. */
export async function benchMetrics(isQuick) {
  const python = peerPython(['torch-fidelity'], 'torch_fidelity');
  const [images, rounds] = isQuick ? [4096, 1] : [10_000, 3];
  const load = loadavg()[0];
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-bench-'));
  const [ours, peer] = [[], []];
  try {
    const files = await Promise.all([1, 2].map((seed) => writeFeatures(folder, images, seed)));
    for (let round = 0; round < rounds; round++) {
      ours.push(node('frechet.js', [...files, String(FEATURES)]));
      const script = path.join(ROOT, 'bench/peers/frechet_torch_fidelity.py');
      peer.push(measure(python, [script, ...files, String(FEATURES), String(availableParallelism())]));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const difference = Math.abs(ours[0].value - peer[0].value) / Math.abs(peer[0].value);
  if (!(difference < CLOSE)) fail(`the distances differ by ${difference}.`);
  const [us, them] = [summary(ours), summary(peer)];
  const neighbors = node('neighbors.js', ['50000', String(FEATURES), isQuick ? '500' : '4000']);
  return {
    machine: machine(),
    loadBefore: load,
    images,
    ours: us,
    torchFidelity: { ...them, version: peer[0].version },
    ratio: them.seconds / us.seconds,
    cpuRatio: them.cpuSeconds / us.cpuSeconds,
    difference,
    neighbors: { ...neighbors, peakBytes: neighbors.measured + neighbors.rest, limitBytes: LIMIT_BYTES },
  };
}

function node(program, args) {
  return measure(process.execPath, [path.join(ROOT, 'dist/bench', program), ...args]);
}

/** Features that depend on each other, as those of images do. */
async function writeFeatures(folder, images, seed) {
  const { RandomStream } = await import('../../dist/src/core/random.js');
  const random = new RandomStream(seed, 'features');
  const noise = Float32Array.from({ length: 1_000_003 }, () => random.normal());
  const data = new Float32Array(images * FEATURES);
  for (let i = 0; i < images; i++) {
    const first = random.integer(noise.length);
    for (let j = 0; j < FEATURES; j++) {
      const at = (first + j) % noise.length;
      const around = noise[at] + noise[(at + 1) % noise.length];
      data[i * FEATURES + j] = Math.max(0, 0.3 + 0.1 * seed * ((j % 7) / 7) + around / (1 + (j % 50)));
    }
  }
  const file = path.join(folder, `${seed}.f32`);
  writeFileSync(file, data);
  return file;
}

function summary(runs) {
  const seconds = runs.map((run) => run.statisticsSeconds + run.distanceSeconds);
  return {
    seconds: median(seconds),
    distanceSeconds: median(runs.map((run) => run.distanceSeconds)),
    cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
    peakBytes: median(runs.map(({ peakBytes }) => peakBytes)),
    value: runs[0].value,
  };
}

export function metricsTable(outcome) {
  const { machine: on, loadBefore, images, ours, torchFidelity, ratio, cpuRatio, difference } = outcome;
  const line = (name, side) =>
    `  ${name.padEnd(15)} ${side.seconds.toFixed(1).padStart(7)} s (root ${side.distanceSeconds.toFixed(1)} s)  ${side.cpuSeconds.toFixed(1)} CPU s  ${(side.peakBytes / 1e6).toFixed(0)} MB peak`;
  const { rows, columns, queries, seconds, peakBytes, limitBytes } = outcome.neighbors;
  return [
    `FID from 2 x ${images} x ${FEATURES} features, on ${on} (load before: ${loadBefore.toFixed(2)})`,
    line('ours', ours),
    line('torch-fidelity', torchFidelity),
    `  ratio ${ratio.toFixed(2)} (torch-fidelity ${torchFidelity.version} / ours), of CPU time ${cpuRatio.toFixed(2)}; distances differ by ${difference.toExponential(1)}`,
    `Neighbors among 2 x ${rows} x ${columns} features: ${(peakBytes / 1e9).toFixed(2)} GB peak (limit ${limitBytes / 1e9} GB); ${queries} searches took ${seconds.toFixed(1)} s`,
    '',
  ].join('\n');
}
