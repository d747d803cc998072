/** Compares preprocessing of DICOM files with pydicom and Pillow. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, median, peerPython, ROOT } from './measure.mjs';

const KINDS = ['native', 'jpeg2000'];
const PEER = path.join(ROOT, 'bench/peers/preprocess_dicom.py');

/** Converts 12-bit images of 1,200 to 2,000 px to 256 px, in turns. */
export function benchDicom(isQuick) {
  const python = peerPython(['pydicom', 'pylibjpeg', 'pylibjpeg-openjpeg'], 'pydicom, openjpeg');
  const [count, rounds, resolution] = isQuick ? [8, 1, 256] : [24, 3, 256];
  const loadBefore = loadavg()[0];
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-bench-'));
  try {
    const kinds = KINDS.map((kind) => benchKind(kind, { python, folder, count, rounds, resolution }));
    return { machine: machine(), loadBefore, resolution, kinds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function benchKind(kind, { python, folder, count, rounds, resolution }) {
  const at = (name) => path.join(folder, `${kind}-${name}`);
  const { status } = spawnSync(python, [PEER, 'write', at('images'), String(count), kind], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) fail('the DICOM files could not be written.');
  const [ours, peer] = [[], []];
  const bench = path.join(ROOT, 'dist/bench/dicom.js');
  for (let round = 0; round < rounds; round++) {
    ours.push(measure(process.execPath, [bench, at('images'), at(`ours-${round}.zip`), String(resolution)]));
    const settings = [String(resolution), String(availableParallelism())];
    peer.push(measure(python, [PEER, 'run', at('images'), at(`peer-${round}.zip`), ...settings]));
  }
  const [us, them] = [summary(ours), { ...summary(peer), version: peer[0].version }];
  return { kind, ours: us, pydicom: them, ratio: us.imagesPerSecond / them.imagesPerSecond };
}

function summary(runs) {
  return {
    images: runs[0].images,
    imagesPerSecond: median(runs.map(({ images, seconds }) => images / seconds)),
    peakBytes: median(runs.map(({ peakBytes }) => peakBytes)),
  };
}

export function dicomTable({ machine: on, loadBefore, resolution, kinds }) {
  const side = ({ imagesPerSecond, peakBytes }) =>
    `${imagesPerSecond.toFixed(1)} images/s, ${(peakBytes / 1e6).toFixed(0)} MB`;
  return [
    `DICOM to ${resolution}x${resolution}, on ${on} (load before: ${loadBefore.toFixed(2)})`,
    ...kinds.map(
      ({ kind, ours, pydicom, ratio }) =>
        `  ${kind.padEnd(9)} ours ${side(ours)}; pydicom ${pydicom.version} ${side(pydicom)} (largest process); ratio ${ratio.toFixed(2)}`,
    ),
    '',
  ].join('\n');
}
