/** `npm run bench -- train [--quick] [--json]`: our training steps against the same networks in PyTorch, in turns. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './setup/parts.mjs';
import { setUpOrExit } from './setup.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const USAGE = 'usage: npm run bench -- train [--quick] [--json]\n';
const PEER_PACKAGES = ['torch', 'numpy'];
/** Both sides agree on the number of parameters to this part. */
const SAME_SIZE = 0.01;
const WRONG_USE = 2;

const options = process.argv.slice(2);
const flags = options.filter((word) => word.startsWith('--'));
const [subject, ...rest] = options.filter((word) => !word.startsWith('--'));
if (subject !== 'train' || rest.length > 0 || flags.some((flag) => flag !== '--quick' && flag !== '--json')) {
  process.stderr.write(USAGE);
  process.exit(WRONG_USE);
}
await setUpOrExit();
const outcome = benchTraining(flags.includes('--quick'));
process.stdout.write(flags.includes('--json') ? `${JSON.stringify(outcome, null, 2)}\n` : table(outcome));
process.exitCode = outcome.sameSize ? 0 : 1;

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
    machine: `${cpus()[0].model.trim()}, ${availableParallelism()} threads`,
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
  const isReady = existsSync(python) && spawnSync(python, ['-c', 'import torch, numpy']).status === 0;
  if (isReady) return python;
  process.stderr.write(`bench: installing ${PEER_PACKAGES.join(', ')} into ${folder}\n`);
  const steps = [
    [process.env.PYTHON ?? 'python3', ['-m', 'venv', folder]],
    [python, ['-m', 'pip', 'install', ...PEER_PACKAGES]],
  ];
  for (const [command, args] of steps) {
    if (spawnSync(command, args, { stdio: ['ignore', 2, 2] }).status !== 0)
      fail('the peer could not be installed; set GIST_BENCH_PYTHON to a Python that has torch and numpy.');
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
