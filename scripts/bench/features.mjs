/** Compares the extraction of Inception features with torch-fidelity, with weights of a formula. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { fail, machine, measure, median, peerPython, ROOT } from './measure.mjs';

const SEED = 7;
const SIDE = 256;
const CLOSE = 1e-3;

/** Both sides read the same PNG images of 256 px. */
export async function benchFeatures(isQuick) {
  const python = peerPython(['torch-fidelity'], 'torch_fidelity');
  const [count, rounds] = isQuick ? [64, 1] : [256, 3];
  const load = loadavg()[0];
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-bench-'));
  const [ours, peer] = [[], []];
  try {
    const weights = path.join(folder, 'inception.safetensors');
    await writeWeights(weights);
    const images = path.join(folder, 'images');
    await drawImages(images, count);
    process.env.GIST_DATA_CACHE = path.join(folder, 'cache');
    for (let round = 0; round < rounds; round++) {
      ours.push(measure(process.execPath, [path.join(ROOT, 'dist/bench/features.js'), images, weights]));
      const script = path.join(ROOT, 'bench/peers/features_torch_fidelity.py');
      peer.push(measure(python, [script, images, weights, String(availableParallelism())]));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const difference = Math.abs(ours[0].sum - peer[0].sum) / Math.abs(peer[0].sum);
  if (!(difference < CLOSE)) fail(`the features differ by ${difference}.`);
  const [us, them] = [summary(ours), summary(peer)];
  return {
    machine: machine(),
    loadBefore: load,
    ours: us,
    torchFidelity: { ...them, version: peer[0].version },
    ratio: us.imagesPerSecond / them.imagesPerSecond,
    difference,
  };
}

async function writeWeights(file) {
  const { CLASSIFIERS } = await import('../../dist/src/nn/classifiers/index.js');
  const { encodeSafetensors } = await import('../../dist/src/nn/formats/safetensors.js');
  const { formulaState } = await import('../../dist/test/support/formula-weights.js');
  writeFileSync(file, encodeSafetensors(formulaState(CLASSIFIERS.inception, SEED)));
}

async function drawImages(folder, count) {
  mkdirSync(folder);
  for (let i = 0; i < count; i++) {
    const pixels = Buffer.from({ length: SIDE * SIDE * 3 }, (_, at) => ((at * (i + 3)) % 251) ^ (at >> 9));
    const raw = { width: SIDE, height: SIDE, channels: 3 };
    await sharp(pixels, { raw })
      .png()
      .toFile(path.join(folder, `${String(i).padStart(5, '0')}.png`));
  }
}

function summary(runs) {
  return {
    images: runs[0].images,
    imagesPerSecond: median(runs.map(({ images, seconds }) => images / seconds)),
    peakBytes: median(runs.map(({ peakBytes }) => peakBytes)),
  };
}

export function featuresTable({ machine: on, loadBefore, ours, torchFidelity, ratio, difference }) {
  const line = (name, side) =>
    `  ${name.padEnd(15)} ${side.imagesPerSecond.toFixed(1).padStart(8)} images/s  ${(side.peakBytes / 1e6).toFixed(0)} MB peak`;
  return [
    `Inception features of ${ours.images} images of ${SIDE} px, on ${on} (load before: ${loadBefore.toFixed(2)})`,
    line('ours', ours),
    line('torch-fidelity', torchFidelity),
    `  ratio ${ratio.toFixed(2)} (ours / torch-fidelity ${torchFidelity.version}); features differ by ${difference.toExponential(1)}`,
    '',
  ].join('\n');
}
