/** Training and generation against PyTorch: the same networks, sizes and lazy schedule, in turns. */
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, median, peerPython, ROOT } from './measure.mjs';

/** Both sides agree on the number of parameters to this part. */
const SAME_SIZE = 0.01;

/** Sizes that are measured; the first alone with --quick, and smaller. */
const CONFIGURATIONS = [
  { cfg: 'stylegan2', resolution: 64, cbase: 4096, cmax: 128, batch: 16 },
  { cfg: 'stylegan2', resolution: 32, cbase: 2048, cmax: 128, batch: 16 },
  { cfg: 'stylegan3-t', resolution: 32, cbase: 1024, cmax: 64, batch: 4 },
];
const QUICK = { cfg: 'stylegan2', resolution: 32, cbase: 1024, cmax: 64, batch: 8 };
const LATENTS = { channels: 1, classes: 0, mapDepth: 2, zDim: 512, wDim: 512 };

/** PyTorch's side of each family, and the ways in which it can be run: the fastest of them is what ours is measured against. */
const PEERS = {
  stylegan2: {
    script: 'stylegan2_pytorch.py',
    ways: [['--modulation=weights'], ['--modulation=activations']],
  },
  'stylegan3-t': { script: 'stylegan3_pytorch.py', ways: [[]] },
};

/** @param only `stylegan2-32` and the like, separated by commas: these configurations alone; all of them take half an hour */
export function benchTraining(isQuick, { only }) {
  const python = peerPython();
  const effort = isQuick ? { rounds: 1, seconds: 5 } : { rounds: 3, seconds: 30 };
  const results = configurationsOf(isQuick, only).flatMap((configuration) =>
    [false, true].map((generate) => compare(python, configuration, generate, effort)),
  );
  return { machine: machine(), results, sameSize: results.every(({ sameSize }) => sameSize) };
}

/** @param only `stylegan2-32` and the like, separated by commas */
export function configurationsOf(isQuick, only) {
  const wanted = only?.split(',');
  const isWanted = ({ cfg, resolution }) => wanted?.includes(`${cfg}-${resolution}`) ?? true;
  const configurations = isQuick ? [QUICK] : CONFIGURATIONS.filter(isWanted);
  if (configurations.length > 0) return configurations;
  const names = CONFIGURATIONS.map(({ cfg, resolution }) => `${cfg}-${resolution}`);
  return fail(`--only names none of ${names.join(', ')}`);
}

/** What a program of ours is measured with. */
export function jobOf({ batch, ...sizes }) {
  return { network: { ...sizes, ...LATENTS }, batch, gamma: 1, threads: availableParallelism() };
}

/** Runs the peer once for each of its ways, briefly, and keeps to the fastest. */
function fastestPeer(python, cfg, job) {
  const { script, ways } = PEERS[cfg];
  const commandOf = (way) => [path.join(ROOT, 'bench/peers', script), ...way];
  if (ways.length === 1) return { way: '', command: commandOf(ways[0]) };
  const rates = ways.map((way) => {
    const { imagesPerSecond } = measure(python, [...commandOf(way), ...peerFlags({ ...job, seconds: 1 })]);
    return median(imagesPerSecond);
  });
  const way = ways[rates.indexOf(Math.max(...rates))];
  return { way: way.join(' '), command: commandOf(way) };
}

function compare(python, configuration, generate, { rounds, seconds }) {
  const job = { ...jobOf(configuration), seconds, generate };
  const loadBefore = loadavg()[0];
  const { way, command } = fastestPeer(python, configuration.cfg, job);
  const [ours, peer] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(measure(process.execPath, [path.join(ROOT, 'dist/bench/train.js'), JSON.stringify(job)]));
    peer.push(measure(python, [...command, ...peerFlags(job)]));
  }
  const [us, them] = [summary(ours), summary(peer)];
  const matmul = Math.max(...ours.map((run) => run.matmulFlops));
  return {
    ...configuration,
    what: generate ? 'generation' : 'training',
    loadBefore,
    ours: {
      ...us,
      compileSeconds: median(ours.map((run) => run.compileSeconds)),
      shareOfLimit: (us.imagesPerSecond * ours[0].flopsPerImage) / matmul,
      matmulGflops: matmul / 1e9,
    },
    pytorch: { ...them, version: peer[0].torch, way },
    ratio: us.imagesPerSecond / them.imagesPerSecond,
    memoryRatio: us.peakBytes / them.peakBytes,
    sameSize: generate || hasSameSize(us.parameters, them.parameters),
  };
}

function peerFlags({ network, batch, threads, seconds, generate }) {
  const { resolution, channels, cbase, cmax, mapDepth, zDim, wDim, classes } = network;
  const sizes = { resolution, channels, cbase, cmax, map_depth: mapDepth, z: zDim, w: wDim, classes };
  const flags = Object.entries({ ...sizes, batch, threads, seconds });
  return [...flags.map(([name, value]) => `--${name}=${value}`), ...(generate ? ['--generate'] : [])];
}

function summary(runs) {
  return {
    imagesPerSecond: median(runs.flatMap((run) => run.imagesPerSecond)),
    peakBytes: median(runs.map((run) => run.peakBytes)),
    parameters: runs[0].parameters,
  };
}

function hasSameSize(us, them) {
  return ['G', 'D'].every((name) => Math.abs(us[name] / them[name] - 1) <= SAME_SIZE);
}

export function trainingTable({ machine: on, results }) {
  return [`against PyTorch ${results[0].pytorch.version}, on ${on}`, ...results.map(block), ''].join('\n');
}

function block({
  what,
  cfg,
  resolution,
  cbase,
  cmax,
  batch,
  loadBefore,
  ours,
  pytorch,
  ratio,
  memoryRatio,
  sameSize,
}) {
  const line = (name, side) =>
    `  ${name.padEnd(8)} ${side.imagesPerSecond.toFixed(1).padStart(8)} images/s  ${(side.peakBytes / 1e9).toFixed(2)} GB peak`;
  const share = `${(ours.shareOfLimit * 100).toFixed(0)} % of the ${ours.matmulGflops.toFixed(0)} GFLOP/s of a matrix product`;
  return [
    `${what}: ${cfg}, ${resolution}x${resolution}, cbase ${cbase}, cmax ${cmax}, batch ${batch} (load before: ${loadBefore.toFixed(2)})`,
    line('ours', ours),
    `${line('PyTorch', pytorch)}${pytorch.way && `  (its fastest: ${pytorch.way})`}`,
    `  ratio ${ratio.toFixed(2)}, memory ${memoryRatio.toFixed(2)}; ours ran at ${share}, after compiling for ${ours.compileSeconds.toFixed(1)} s`,
    ...(sameSize ? [] : ['  the two networks differ in size: the ratio means nothing']),
  ].join('\n');
}
