/**
 * Compares the preprocess stage with two Pillow scripts that only write the archive: one with as
 * many processes as processors, and one that works as StyleGAN3's dataset_tool does.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, median, peerPython, ROOT } from './measure.mjs';

/**
 * Kinds of sources: phantoms of 200 to 600 px, JPEG of 224 px, and both JPEG and 16-bit PNG of 2000
 * to 3000 px.
 */
const CASES = [
  { kind: 'phantoms', resolution: 64, count: 300, quick: 60 },
  { kind: 'knees', resolution: 256, count: 600, quick: 60 },
  { kind: 'large', resolution: 256, count: 16, quick: 4 },
  { kind: 'large', resolution: 512, count: 16, quick: 4 },
];
const TARGETS = { pool: 1.5, single: 3 };

export function benchPreprocessing(isQuick) {
  const python = peerPython();
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-bench-'));
  try {
    const load = loadavg()[0];
    const cases = CASES.map((one) => benchCase(one, isQuick, { python, folder }));
    return { machine: machine(), loadBefore: load, cases, sameSize: cases.every(({ sameSize }) => sameSize) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the three in turns, so that other work on the machine disturbs all of them. */
function benchCase({ kind, resolution, count, quick }, isQuick, { python, folder }) {
  const images = path.join(folder, kind);
  drawOnce(images, kind, isQuick ? quick : count);
  const runs = { ours: [], pool: [], single: [] };
  const peer = (round, processes) => {
    const out = path.join(folder, `${kind}-${resolution}-${round}-${processes}.zip`);
    const script = path.join(ROOT, 'bench/peers/preprocess_pillow.py');
    return measure(python, [script, images, out, String(resolution), String(processes)]);
  };
  for (let round = 0; round < (isQuick ? 1 : 3); round++) {
    const store = path.join(folder, `store-${kind}-${resolution}-${round}`);
    const bench = path.join(ROOT, 'dist/bench/preprocess.js');
    runs.ours.push(measure(process.execPath, [bench, images, store, String(resolution)]));
    runs.pool.push(peer(round, Math.max(2, availableParallelism())));
    runs.single.push(peer(round, 1));
  }
  const warm = runs.ours.map(({ warmSeconds }) => ({ seconds: warmSeconds }));
  const [ours, pool, single] = [summary(runs.ours), summary(runs.pool), summary(runs.single)];
  return {
    kind,
    resolution,
    ours,
    pool,
    single,
    ratios: { pool: ratio(runs.ours, runs.pool), single: ratio(runs.ours, runs.single) },
    warmRatios: { pool: ratio(warm, runs.pool), single: ratio(warm, runs.single) },
    shareOfLimit: median(runs.ours.map(({ seconds, decodeSeconds }) => decodeSeconds / seconds)),
    sameSize: ours.images === pool.images,
  };
}

function drawOnce(images, kind, count) {
  const [program, args] =
    kind === 'phantoms'
      ? ['dist/examples/phantoms/main.js', [images, '--count', String(count)]]
      : ['dist/bench/image-set.js', [images, kind, String(count)]];
  const stdio = ['ignore', 'ignore', 'inherit'];
  const { status } = spawnSync(process.execPath, [path.join(ROOT, program), ...args], { stdio });
  if (status !== 0) fail('the images could not be written.');
}

function summary(runs) {
  return {
    images: runs[0].images,
    imagesPerSecond: median(runs.map(({ images, seconds }) => images / seconds)),
    peakBytes: median(runs.map(({ peakBytes }) => peakBytes)),
  };
}

/** Median of the ratios of the rounds: both sides of a round have the same load. */
function ratio(ours, theirs) {
  return median(ours.map(({ seconds }, round) => theirs[round].seconds / seconds));
}

export function preprocessTable({ machine: on, loadBefore, cases }) {
  const line = (name, side) =>
    `  ${name.padEnd(24)} ${side.imagesPerSecond.toFixed(1).padStart(8)} images/s  ${(side.peakBytes / 1e6).toFixed(0).padStart(5)} MB peak`;
  const blocks = cases.flatMap(
    ({ kind, resolution, ours, pool, single, ratios, warmRatios, shareOfLimit }) => [
      `${kind}: ${ours.images} images to ${resolution} x ${resolution}`,
      `${line('ours', ours)}  ${(100 * shareOfLimit).toFixed(0)} % of the limit (decoding alone)`,
      `${line('Pillow, all processors', pool)}  ratio ${ratios.pool.toFixed(2)}, warm ${warmRatios.pool.toFixed(2)} (target ${TARGETS.pool})`,
      `${line('Pillow, one process', single)}  ratio ${ratios.single.toFixed(2)}, warm ${warmRatios.single.toFixed(2)} (target ${TARGETS.single})`,
    ],
  );
  return [
    `preprocess, on ${on} (load before: ${loadBefore.toFixed(2)}); ours also plans, splits and computes checksums; the start of the process does not count on either side, that of threads and of compiling does; warm: without these`,
    ...blocks,
    '',
  ].join('\n');
}
