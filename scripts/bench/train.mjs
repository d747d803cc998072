/**
 * Compares training and generation with PyTorch: same networks, sizes and lazy regularization
 * intervals.
 */
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, median, peerPython, ROOT } from './measure.mjs';

/** Maximum relative difference in the number of parameters. */
const SIZE_TOLERANCE = 0.01;

/** Measured configurations. */
const CONFIGURATIONS = [
  { cfg: 'stylegan2', resolution: 64, cbase: 4096, cmax: 128, batch: 16 },
  { cfg: 'stylegan2', resolution: 32, cbase: 2048, cmax: 128, batch: 16 },
  { cfg: 'stylegan3-t', resolution: 32, cbase: 1024, cmax: 64, batch: 4 },
];
const QUICK = { cfg: 'stylegan2', resolution: 32, cbase: 1024, cmax: 64, batch: 8 };
const LATENTS = { channels: 1, classes: 0, mapDepth: 2, zDim: 512, wDim: 512 };

/**
 * PyTorch implementations by architecture. StyleGAN2 has two equivalent forms of modulation: of the
 * weights (fused_modconv, the default of the official networks), and of the activations, which the
 * official trainer uses. StyleGAN3 always modulates the weights.
 */
const PEERS = {
  stylegan2: {
    script: 'stylegan2_pytorch.py',
    forms: {
      'styles on weights': '--modulation=weights',
      'styles on activations': '--modulation=activations',
    },
  },
  'stylegan3-t': { script: 'stylegan3_pytorch.py', forms: { 'styles on weights': null } },
};

/**
 * Measuring all configurations takes half an hour.
 *
 * @param only names of configurations such as `stylegan2-32`, separated by commas
 */
export function benchTraining(isQuick, { only }) {
  const python = peerPython();
  const effort = isQuick ? { rounds: 1, seconds: 5 } : { rounds: 3, seconds: 30 };
  const results = configurationsOf(isQuick, only).flatMap((configuration) =>
    [false, true].map((generate) => compare(python, configuration, generate, effort)),
  );
  return { machine: machine(), results, sameSize: results.every(({ sameSize }) => sameSize) };
}

/** @param only names such as `stylegan2-32`, separated by commas */
export function configurationsOf(isQuick, only) {
  const names = only?.split(',');
  const isSelected = ({ cfg, resolution }) => names?.includes(`${cfg}-${resolution}`) ?? true;
  const configurations = isQuick ? [QUICK] : CONFIGURATIONS.filter(isSelected);
  if (configurations.length > 0) return configurations;
  const known = CONFIGURATIONS.map(({ cfg, resolution }) => `${cfg}-${resolution}`);
  return fail(`--only must name some of ${known.join(', ')}`);
}

/** Input of a measured program of GIST. */
export function jobOf({ batch, ...sizes }) {
  return { network: { ...sizes, ...LATENTS }, batch, gamma: 1, threads: availableParallelism() };
}

function commandOf({ script }, flag) {
  return [path.join(ROOT, 'bench/peers', script), ...(flag ? [flag] : [])];
}

function compare(python, configuration, generate, { rounds, seconds }) {
  const job = { ...jobOf(configuration), seconds, generate };
  const loadBefore = loadavg()[0];
  const peer = PEERS[configuration.cfg];
  const forms = Object.entries(peer.forms).map(([form, flag]) => ({ form, flag, runs: [] }));
  const ours = [];
  const what = generate ? 'generation' : 'training';
  const report = (round, side, run) => {
    const at = `${what}: ${configuration.cfg}, ${configuration.resolution} px, round ${round} of ${rounds}`;
    process.stderr.write(`bench: ${at}, ${side}: ${speed(summary([run]))}\n`);
  };
  for (let round = 1; round <= rounds; round++) {
    const run = measure(process.execPath, [path.join(ROOT, 'dist/bench/train.js'), JSON.stringify(job)]);
    ours.push(run);
    report(round, 'ours', run);
    for (const { form, flag, runs } of forms) {
      const theirs = measure(python, [...commandOf(peer, flag), ...peerFlags(job)]);
      runs.push(theirs);
      report(round, `PyTorch, ${form}`, theirs);
    }
  }
  const us = summary(ours);
  const matmul = Math.max(...ours.map((run) => run.matmulFlops));
  return {
    ...configuration,
    what,
    loadBefore,
    ours: {
      ...us,
      compileSeconds: median(ours.map((run) => run.compileSeconds)),
      shareOfLimit: (us.imagesPerSecond * ours[0].flopsPerImage) / matmul,
      matmulGflops: matmul / 1e9,
    },
    pytorch: forms.map(({ form, runs }) => against(us, form, runs)),
    version: forms[0].runs[0].torch,
    sameSize: generate || forms.every(({ runs }) => hasSameSize(us.parameters, runs[0].parameters)),
  };
}

function against(us, form, runs) {
  const them = summary(runs);
  return {
    form,
    ...them,
    ratio: us.imagesPerSecond / them.imagesPerSecond,
    memoryRatio: us.peakBytes / them.peakBytes,
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

function speed({ imagesPerSecond, peakBytes }) {
  return `${imagesPerSecond.toFixed(1)} images/s  ${(peakBytes / 1e9).toFixed(2)} GB peak`;
}

function hasSameSize(us, them) {
  return ['G', 'D'].every((name) => Math.abs(us[name] / them[name] - 1) <= SIZE_TOLERANCE);
}

export function trainingTable({ machine: on, results }) {
  return [`against PyTorch ${results[0].version}, on ${on}`, ...results.map(block), ''].join('\n');
}

function block({ what, cfg, resolution, cbase, cmax, batch, loadBefore, ours, pytorch, sameSize }) {
  const line = (name, side) => `  ${name.padEnd(30)} ${speed(side).padStart(31)}`;
  const share = `${(ours.shareOfLimit * 100).toFixed(0)} % of the ${ours.matmulGflops.toFixed(0)} GFLOP/s of a matrix product`;
  return [
    `${what}: ${cfg}, ${resolution}x${resolution}, cbase ${cbase}, cmax ${cmax}, batch ${batch} (load before: ${loadBefore.toFixed(2)})`,
    `${line('ours', ours)}; ${share}, after compiling for ${ours.compileSeconds.toFixed(1)} s`,
    ...pytorch.map(
      (side) =>
        `${line(`PyTorch, ${side.form}`, side)}; ratio ${side.ratio.toFixed(2)}, memory ${side.memoryRatio.toFixed(2)}`,
    ),
    ...(sameSize ? [] : ['  the networks differ in size: the ratios are not comparable']),
  ].join('\n');
}
