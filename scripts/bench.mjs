/** `npm run bench -- train|preprocess [--quick] [--json]`: ours against a peer in Python, in turns. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './setup/parts.mjs';
import { setUpOrExit } from './setup.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const USAGE = 'usage: npm run bench -- train|preprocess [--quick] [--json]\n';
const PEER_PACKAGES = ['torch', 'numpy', 'pillow'];
/** Both sides agree on the number of parameters to this part. */
const SAME_SIZE = 0.01;
const WRONG_USE = 2;

const options = process.argv.slice(2);
const flags = options.filter((word) => word.startsWith('--'));
const [subject, ...rest] = options.filter((word) => !word.startsWith('--'));
if (
  !['train', 'preprocess'].includes(subject) ||
  rest.length > 0 ||
  flags.some((flag) => flag !== '--quick' && flag !== '--json')
) {
  process.stderr.write(USAGE);
  process.exit(WRONG_USE);
}
await setUpOrExit();
const quick = flags.includes('--quick');
const outcome = subject === 'train' ? benchTraining(quick) : benchPreprocessing(quick);
const text = subject === 'train' ? table : preprocessTable;
process.stdout.write(flags.includes('--json') ? `${JSON.stringify(outcome, null, 2)}\n` : text(outcome));
process.exitCode = outcome.sameSize ? 0 : 1;

/** Phantoms, 200-600 px, JPEG and PNG, to 64 px: a whole stage of ours against a Pillow script that only makes the zip. */
function benchPreprocessing(isQuick) {
  const python = peerPython();
  const [count, rounds, resolution] = isQuick ? [60, 1, 64] : [300, 3, 64];
  const threads = availableParallelism();
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-bench-'));
  const at = (...parts) => path.join(folder, ...parts);
  const load = loadavg()[0];
  const [ours, peer] = [[], []];
  try {
    const phantoms = [
      path.join(ROOT, 'dist/examples/phantoms/main.js'),
      at('images'),
      '--count',
      String(count),
    ];
    if (spawnSync(process.execPath, phantoms, { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0)
      fail('the images could not be drawn.');
    for (let round = 0; round < rounds; round++) {
      const bench = path.join(ROOT, 'dist/bench/preprocess.js');
      ours.push(measure(process.execPath, [bench, at('images'), at(`store-${round}`), String(resolution)]));
      const script = path.join(ROOT, 'bench/peers/preprocess_pillow.py');
      peer.push(
        measure(python, [script, at('images'), at(`peer-${round}.zip`), String(resolution), String(threads)]),
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const summary = (runs) => ({
    images: runs[0].images,
    imagesPerSecond: median(runs.map(({ images, seconds }) => images / seconds)),
    peakBytes: median(runs.map(({ peakBytes }) => peakBytes)),
  });
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

function preprocessTable({ machine: on, loadBefore, resolution, ours, pillow, ratio }) {
  const line = (name, side) =>
    `  ${name.padEnd(10)} ${side.imagesPerSecond.toFixed(1).padStart(8)} images/s  ${(side.peakBytes / 1e6).toFixed(0)} MB peak`;
  return [
    `preprocess, ${ours.images} images to ${resolution}x${resolution}, on ${on} (load before: ${loadBefore.toFixed(2)})`,
    line('ours', ours),
    line('Pillow', pillow),
    `  ratio ${ratio.toFixed(2)} (ours / Pillow ${pillow.version}); ours also plans, splits, labels and checks sums`,
    '',
  ].join('\n');
}

function machine() {
  return `${cpus()[0].model.trim()}, ${availableParallelism()} threads`;
}

function benchTraining(quick) {
  const python = peerPython();
  const [resolution, batch, cbase, cmax] = quick ? [32, 8, 1024, 64] : [64, 16, 4096, 128];
  const [rounds, seconds, threads] = quick ? [1, 5, availableParallelism()] : [2, 60, availableParallelism()];
  const sizes = {
    cfg: 'stylegan2',
    resolution,
    channels: 1,
    classes: 0,
    mapDepth: 2,
    zDim: 512,
    wDim: 512,
    cbase,
    cmax,
  };
  const job = { network: sizes, batch, gamma: 1, threads, seconds };
  const peerSizes = {
    resolution,
    channels: 1,
    cbase,
    cmax,
    map_depth: 2,
    z: 512,
    w: 512,
    classes: 0,
    batch,
    threads,
    seconds,
  };
  const peerFlags = Object.entries(peerSizes).map(([name, value]) => `--${name}=${value}`);
  const load = loadavg()[0];
  const [ours, peer] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(measure(process.execPath, [path.join(ROOT, 'dist/bench/train.js'), JSON.stringify(job)]));
    peer.push(measure(python, [path.join(ROOT, 'bench/peers/stylegan2_pytorch.py'), ...peerFlags]));
  }
  const summary = (runs) => ({
    imagesPerSecond: median(runs.flatMap((run) => run.imagesPerSecond)),
    peakBytes: median(runs.map((run) => run.peakBytes)),
    parameters: runs[0].parameters,
  });
  const [us, them] = [summary(ours), summary(peer)];
  return {
    machine: machine(),
    loadBefore: load,
    resolution,
    batch,
    ours: { ...us, compileSeconds: median(ours.map((run) => run.compileSeconds)) },
    pytorch: { ...them, version: peer[0].torch, matmulGflops: median(peer.map((run) => run.matmulGflops)) },
    ratio: us.imagesPerSecond / them.imagesPerSecond,
    sameSize: ['G', 'D'].every(
      (name) => Math.abs(us.parameters[name] / them.parameters[name] - 1) <= SAME_SIZE,
    ),
  };
}

/** The last line that a program prints, as JSON; its talk goes to standard error. */
function measure(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) fail(`${path.basename(args[0])} ended with code ${status}; its own words are above.`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** GIST_BENCH_PYTHON, or a virtual environment of our own in the cache, made on first use. */
function peerPython() {
  if (process.env.GIST_BENCH_PYTHON) return process.env.GIST_BENCH_PYTHON;
  const folder = path.join(cacheFolder(), 'bench-venv');
  const python = path.join(folder, 'bin', 'python');
  const isReady = existsSync(python) && spawnSync(python, ['-c', 'import torch, numpy, PIL']).status === 0;
  if (isReady) return python;
  process.stderr.write(`bench: installing ${PEER_PACKAGES.join(', ')} into ${folder}\n`);
  const steps = [
    [process.env.PYTHON ?? 'python3', ['-m', 'venv', folder]],
    [python, ['-m', 'pip', 'install', ...PEER_PACKAGES]],
  ];
  for (const [command, args] of steps) {
    if (spawnSync(command, args, { stdio: ['ignore', 2, 2] }).status !== 0)
      fail(
        'the peer could not be installed; set GIST_BENCH_PYTHON to a Python that has torch, numpy and pillow.',
      );
  }
  return python;
}

function table({ machine, loadBefore, resolution, batch, ours, pytorch, ratio, sameSize }) {
  const line = (name, side) =>
    `  ${name.padEnd(10)} ${side.imagesPerSecond.toFixed(1).padStart(8)} images/s  ${(side.peakBytes / 1e9).toFixed(2)} GB peak  ` +
    `${side.parameters.G} + ${side.parameters.D} parameters`;
  return [
    `StyleGAN2, ${resolution}x${resolution}, batch ${batch}, on ${machine} (load before: ${loadBefore.toFixed(2)})`,
    line('ours', ours),
    line('PyTorch', pytorch),
    `  ratio ${ratio.toFixed(2)} (ours / PyTorch ${pytorch.version}); we compiled for ${ours.compileSeconds.toFixed(1)} s first`,
    ...(sameSize ? [] : ['  the two networks differ in size: the ratio means nothing']),
    '',
  ].join('\n');
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function fail(message) {
  process.stderr.write(`bench: ${message}\n`);
  process.exit(1);
}
