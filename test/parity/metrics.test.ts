/** Features and metrics agree with reference implementations. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { EXTRACTORS } from '../../src/evaluation/extractors/index.js';
import type { FeatureMatrix } from '../../src/evaluation/metrics/feature-matrix.js';
import { frechetDistance, gaussianStatistics } from '../../src/evaluation/metrics/frechet-distance.js';
import { kernelDistance } from '../../src/evaluation/metrics/kid.js';
import { precisionRecall } from '../../src/evaluation/metrics/precision-recall.js';
import { decodeSafetensors, type NamedTensor } from '../../src/nn/formats/safetensors.js';

/** Compiled tests run from `dist/`; the cases are beside the sources. */
const CASES = path.resolve('test/parity/metrics');

interface Expected {
  fid: { frechet_inception_distance: number };
  kid_full_unbiased_poly3: number;
  prc: { precision: number; recall: number };
}

const expected = JSON.parse(await readFile(path.join(CASES, 'metrics.expected.json'), 'utf8')) as Expected;
const features = await tensors('features.safetensors');
const real = matrix('real');
const fake = matrix('fake');

async function tensors(file: string): Promise<Record<string, NamedTensor>> {
  return decodeSafetensors(await readFile(path.join(CASES, file)), file);
}

function matrix(name: string): FeatureMatrix {
  const { shape, data } = features[name] as NamedTensor;
  return { rows: shape[0] as number, columns: shape[1] as number, data };
}

function near(actual: number, wanted: number, tolerance: number): void {
  assert.ok(Math.abs(actual - wanted) <= tolerance, `${actual} instead of ${wanted}`);
}

test('the Fréchet distance matches the reference', () => {
  near(
    frechetDistance(gaussianStatistics(real), gaussianStatistics(fake)),
    expected.fid.frechet_inception_distance,
    1e-6,
  );
});

test('the kernel distance matches the reference', async () => {
  near(await kernelDistance(fake, real), expected.kid_full_unbiased_poly3, 1e-6);
});

test('precision and recall match the reference', async () => {
  const { precision, recall } = await precisionRecall(real, fake);
  near(precision, expected.prc.precision, 1e-6);
  near(recall, expected.prc.recall, 1e-6);
});

test('EfficientNet-Lite0 features match the reference for color and gray images', async () => {
  const { images, features: wanted } = await tensors('effnetlite0.expected.safetensors');
  const { shape, data } = images as NamedTensor;
  const [count, , side] = shape as [number, number, number];
  const pixels = channelsLast(data, count, side);
  const size = side * side * 3;
  const batch = Array.from({ length: count }, (_, i) => ({
    resolution: side,
    channels: 3 as const,
    pixels: pixels.subarray(i * size, (i + 1) * size),
  }));
  const extractor = await EXTRACTORS.effnetlite0.load();
  const actual = await extractor.extract(batch);
  extractor.dispose();
  let worst = 0;
  let largest = 0;
  wanted?.data.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - (actual[i] as number)));
    largest = Math.max(largest, Math.abs(value));
  });
  assert.equal(actual.length, count * EXTRACTORS.effnetlite0.dimensions);
  assert.ok(worst / largest < 1e-3, `differs by ${worst} of ${largest}`);
});

/** [n, 3, s, s] to [n, s, s, 3]. */
function channelsLast(data: Float32Array, count: number, side: number): Uint8Array {
  const pixels = side * side;
  return Uint8Array.from(data, (_, i) => {
    const image = Math.floor(i / (3 * pixels));
    const pixel = Math.floor(i / 3) % pixels;
    return data[(image * 3 + (i % 3)) * pixels + pixel] as number;
  }).subarray(0, count * 3 * pixels);
}
