/** Learning against PyTorch: curves of the Frechet distance over kimg, and what a transfer saves. */
import { tmpdir } from 'node:os';
import path from 'node:path';
import { machine, measure, peerPython, ROOT } from './measure.mjs';

/** A set of 2,000 phantoms at 32 px, and a network that a processor trains in an hour. */
const FULL = { seeds: [0, 1, 2], kimg: 60, snapshotKimg: 5, images: 2000, count: 2000, resolution: 32 };
const QUICK = { seeds: [0], kimg: 1, snapshotKimg: 0.5, images: 64, count: 64, resolution: 32 };
const SPEC = {
  batch: 16,
  gamma: 0.1,
  glr: 0.0025,
  emaKimg: 5,
  cbase: 1024,
  cmax: 64,
  mapDepth: 2,
  zDim: 128,
  wDim: 128,
};
const QUICK_SPEC = { ...SPEC, cbase: 256, cmax: 16, zDim: 32, wDim: 32 };

/** Curves that are in `work` already are not made again; `out` gets learning.json and learning.svg. */
export function benchLearning(isQuick, { who, seeds, kimg, work, out }) {
  const scale = isQuick ? QUICK : FULL;
  const folder = path.resolve(work ?? path.join(tmpdir(), isQuick ? 'gist-learning-quick' : 'gist-learning'));
  const job = {
    ...scale,
    ...(seeds && { seeds: seeds.split(',').map(Number) }),
    ...(kimg && { kimg: Number(kimg) }),
    who: who?.split(',') ?? ['ours', 'peer', 'transfer'],
    spec: isQuick ? QUICK_SPEC : SPEC,
    work: folder,
    out: path.resolve(out ?? (isQuick ? folder : path.join(ROOT, 'docs/images'))),
    python: peerPython(),
  };
  const { curves } = measure(process.execPath, [
    path.join(ROOT, 'dist/bench/learning.js'),
    JSON.stringify(job),
  ]);
  return { machine: machine(), job, curves, sameSize: curves.every(({ points }) => points.length > 0) };
}

export function learningTable({ machine, job, curves }) {
  const kimgs = [...new Set(curves.flatMap(({ points }) => points.map((point) => point.kimg)))].sort(
    (a, b) => a - b,
  );
  const rows = curves.map(({ who, seed, points }) => {
    const values = kimgs.map((kimg) => points.find((point) => point.kimg === kimg)?.value.toFixed(1) ?? '-');
    return [`${who}, seed ${seed}`, ...values]
      .map((cell, i) => (i === 0 ? cell.padEnd(18) : cell.padStart(8)))
      .join('');
  });
  const head = ['fd_effnetlite0'.padEnd(18), ...kimgs.map((kimg) => String(kimg).padStart(8))].join('');
  return `${machine}; kimg across\n${head}\n${rows.join('\n')}\n${path.join(job.out, 'learning.svg')}\n`;
}
