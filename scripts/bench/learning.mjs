/**
 * Compares learning curves (Frechet distance over kimg) with PyTorch and with transfer learning.
 */
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, peerPython, ROOT } from './measure.mjs';

/** 2,000 phantoms at 32 px, and networks that a CPU trains within hours. */
const COMMON = {
  images: 2000,
  count: 1000,
  resolution: 32,
  spec: { gamma: 0.1, glr: 0.0025, emaKimg: 5, cbase: 1024, cmax: 64, mapDepth: 2, zDim: 128, wDim: 128 },
};
const FULL = {
  stylegan2: { seeds: [0, 1, 2], kimg: 60, snapshotKimg: 10, batch: 16, who: ['ours', 'peer', 'transfer'] },
  'stylegan3-t': { seeds: [0], kimg: 12, snapshotKimg: 2, batch: 4, who: ['ours', 'peer'] },
};
const QUICK = { seeds: [0], kimg: 1, snapshotKimg: 0.5, images: 64, count: 64 };
const QUICK_SPEC = { cbase: 256, cmax: 16, zDim: 32, wDim: 32 };

/** Only computes curves that `out` does not contain. */
export function benchLearning(isQuick, { cfg = 'stylegan2', who, seeds, work, out, threads }) {
  if (!Object.hasOwn(FULL, cfg)) fail(`--cfg must be one of ${Object.keys(FULL).join(', ')}`);
  const { batch, ...scale } = FULL[cfg];
  const folder = path.resolve(work ?? path.join(tmpdir(), `gist-learning-${cfg}${isQuick ? '-quick' : ''}`));
  const job = {
    ...COMMON,
    ...scale,
    ...(isQuick && QUICK),
    ...(seeds && { seeds: seeds.split(',').map(Number) }),
    ...(who && { who: who.split(',') }),
    spec: { cfg, batch, ...COMMON.spec, ...(isQuick && QUICK_SPEC) },
    work: folder,
    out: path.resolve(out ?? (isQuick ? folder : path.join(ROOT, 'docs/learning'))),
    threads: threads ? Number(threads) : availableParallelism(),
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
  return `${machine}; kimg across\n${head}\n${rows.join('\n')}\n${path.join(job.out, `${job.spec.cfg}.svg`)}\n`;
}
