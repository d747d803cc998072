/** Compares the preprocess stage with a Pillow script that only writes the archive. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, median, peerPython, ROOT } from './measure.mjs';

/** Converts JPEG and PNG phantoms of 200 to 600 px to 64 px. */
export function benchPreprocessing(isQuick) {
  const python = peerPython();
  const [count, rounds, resolution] = isQuick ? [60, 1, 64] : [300, 3, 64];
  const load = loadavg()[0];
  const [ours, peer] = [[], []];
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-bench-'));
  const at = (...parts) => path.join(folder, ...parts);
  try {
    drawPhantoms(at('images'), count);
    for (let round = 0; round < rounds; round++) {
      const bench = path.join(ROOT, 'dist/bench/preprocess.js');
      ours.push(measure(process.execPath, [bench, at('images'), at(`store-${round}`), String(resolution)]));
      const script = path.join(ROOT, 'bench/peers/preprocess_pillow.py');
      const sizes = [String(resolution), String(availableParallelism())];
      peer.push(measure(python, [script, at('images'), at(`peer-${round}.zip`), ...sizes]));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const [us, them] = [summary(ours), summary(peer)];
  return {
    machine: machine(),
    loadBefore: load,
    resolution,
    ours: us,
    pillow: { ...them, version: peer[0].version },
    ratio: us.imagesPerSecond / them.imagesPerSecond,
    sameSize: us.images === them.images,
  };
}

function drawPhantoms(folder, count) {
  const program = path.join(ROOT, 'dist/examples/phantoms/main.js');
  const stdio = ['ignore', 'ignore', 'inherit'];
  const { status } = spawnSync(process.execPath, [program, folder, '--count', String(count)], { stdio });
  if (status !== 0) fail('the phantom images could not be written.');
}

function summary(runs) {
  return {
    images: runs[0].images,
    imagesPerSecond: median(runs.map(({ images, seconds }) => images / seconds)),
    peakBytes: median(runs.map(({ peakBytes }) => peakBytes)),
  };
}

export function preprocessTable({ machine: on, loadBefore, resolution, ours, pillow, ratio }) {
  const line = (name, side) =>
    `  ${name.padEnd(10)} ${side.imagesPerSecond.toFixed(1).padStart(8)} images/s  ${(side.peakBytes / 1e6).toFixed(0)} MB peak`;
  return [
    `preprocess, ${ours.images} images to ${resolution}x${resolution}, on ${on} (load before: ${loadBefore.toFixed(2)})`,
    line('ours', ours),
    line('Pillow', pillow),
    `  ratio ${ratio.toFixed(2)} (ours / Pillow ${pillow.version}); ours also plans, splits, labels and computes checksums`,
    '',
  ].join('\n');
}
