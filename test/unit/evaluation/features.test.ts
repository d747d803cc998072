/** Feature extraction from images of any size, and the metrics of features. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resizeBicubic } from '../../../src/evaluation/extractors/bicubic.js';
import { extractorInput, type SquareImage } from '../../../src/evaluation/extractors/input.js';
import { checkedFeatures, extractFeatures } from '../../../src/evaluation/features.js';
import { type ImageSet, shardsFor } from '../../../src/evaluation/image-sets.js';
import { compareImages } from '../../../src/evaluation/index.js';
import { resizeTensorflow1 } from '../../../src/evaluation/extractors/tensorflow1-resize.js';
import { metricsOn } from '../../../src/spec/metrics.js';

const SIDE = 224;

/** Stripes of a given period on a grid of any size. */
function stripes(resolution: number, channels: 1 | 3, period: number): SquareImage {
  const pixels = Uint8Array.from({ length: resolution ** 2 * channels }, (_, i) => {
    const column = Math.floor(i / channels) % resolution;
    return column % period < period / 2 ? 60 : 190;
  });
  return { resolution, channels, pixels };
}

async function* each(images: SquareImage[]): AsyncGenerator<SquareImage> {
  yield* images;
}

test('a constant image stays constant at any size, in three equal channels', () => {
  for (const resolution of [16, 224, 600]) {
    const pixels = new Uint8Array(resolution ** 2).fill(77);
    const input = extractorInput({ resolution, channels: 1, pixels }, SIDE);
    assert.equal(input.length, SIDE * SIDE * 3);
    assert.ok(input.every((value) => Math.abs(value - 77) < 1e-4));
  }
});

test('stripes finer than the input resolution become their mean, without aliasing', () => {
  const input = extractorInput(stripes(896, 1, 2), SIDE);
  // Away from the borders, where the kernel is truncated.
  const inner = input.subarray(3 * (SIDE * 10 + 2), 3 * (SIDE * 11 - 2));
  assert.ok(inner.every((value) => Math.abs(value - 125) < 1e-3));
});

test('resizing matches Pillow in floating point, which clean-fid uses', () => {
  const pixels = Uint8Array.from({ length: 25 }, (_, i) => (i * i * 7 + i * 29) % 256);
  // Image.fromarray(pixels.astype(float32)).resize((n, n), Image.BICUBIC), clipped to 0...255
  const smaller = [92.992, 126.412, 165.236, 118.502];
  const larger = [
    [0, 10.09, 43.495, 89.029, 129.75, 192.062, 242.961],
    [20.208, 78.193, 101.642, 54.111, 143.456, 156.295, 119.113],
    [103.283, 151.808, 140.467, 36.408, 104.43, 121.462, 96.941],
    [226.66, 181.623, 121.714, 76, 18.77, 116.56, 254.699],
    [237.856, 215.774, 191.34, 182.21, 198.284, 134.186, 52.456],
    [143.136, 156.256, 183.245, 209.59, 173.817, 98.02, 34.125],
    [38.597, 72.994, 135.185, 184.485, 42.383, 47.051, 133.689],
  ];
  for (const wanted of [smaller, larger.flat()]) {
    const resized = resizeBicubic(pixels, 5, 1, Math.sqrt(wanted.length));
    for (const [i, value] of wanted.entries())
      assert.ok(Math.abs((resized[i] as number) - value) < 2e-3, `${resized[i]} instead of ${value}`);
  }
});

test('the features of an image do not depend on its batch, nor on whether it is gray or equal RGB', async () => {
  const images = Array.from({ length: 19 }, (_, i) => stripes(32, i % 2 ? 1 : 3, 3 + (i % 6)));
  const done: number[] = [];
  const { rows, columns, data } = await extractFeatures(each(images), (count) => done.push(count));
  assert.equal(rows, 19);
  assert.deepEqual(done, [16, 19]);
  const row = (i: number) => data.subarray(i * columns, (i + 1) * columns);
  const alone = await extractFeatures(each([images[17] as SquareImage]));
  const worst = Math.max(...alone.data.map((value, j) => Math.abs(value - (row(17)[j] as number))));
  assert.ok(worst < 1e-4, String(worst));
  const [gray, rgb] = [
    await extractFeatures(each([stripes(32, 1, 4)])),
    await extractFeatures(each([stripes(32, 3, 4)])),
  ];
  assert.deepEqual(gray.data, rgb.data);
});

test('two folders of images are compared without a store, beside two halves of the real ones', async () => {
  const set = (shift: number, count = 6) =>
    each(Array.from({ length: count }, (_, i) => stripes(32, 1, 4 + shift + i)));
  const names = metricsOn('effnetlite0');
  const { metrics: same } = await compareImages(set(0), set(0), names);
  assert.ok(Math.abs(same.fd_effnetlite0 as number) < 1e-2, String(same.fd_effnetlite0));
  assert.equal(same['pr_effnetlite0.precision'], 1);
  const { metrics: other, caveats } = await compareImages(set(0, 12), set(12), names);
  assert.ok((other.fd_effnetlite0 as number) > 1);
  assert.ok((other['fd_effnetlite0.real_halves'] as number) > 0);
  assert.equal(other['images.fake'], 6);
  assert.ok((other['diversity.fake.ssim'] as number) < 1);
  assert.ok(!('diversity.fake.ms_ssim' in other));
  for (const pattern of [
    /12 real images and 6 synthetic images are fewer than its 1280/,
    /MS-SSIM is left out/,
  ])
    assert.ok(
      caveats.some((caveat) => pattern.test(caveat)),
      caveats.join('\n'),
    );
  await assert.rejects(compareImages(each([stripes(32, 1, 4)]), set(0), names), RangeError);
});

test('constant sets and metrics that were left out are told beside the numbers', async () => {
  const constant = each(Array.from({ length: 3 }, () => stripes(32, 1, 4)));
  const varied = each(Array.from({ length: 3 }, (_, i) => stripes(32, 1, 4 + i)));
  const { metrics, caveats } = await compareImages(varied, constant, ['fd_effnetlite0', 'pr_effnetlite0']);
  assert.ok(Number.isFinite(metrics.fd_effnetlite0));
  assert.ok(!('pr_effnetlite0.precision' in metrics));
  assert.ok(caveats.some((caveat) => /All 3 synthetic images have the same features/.test(caveat)));
  assert.ok(
    caveats.some((caveat) => /pr_effnetlite0 is left out for 3 real images and 3 synthetic/.test(caveat)),
  );
});

test('sets of one image and sets that no metric can compare are refused, not computed', async () => {
  const several = () => each(Array.from({ length: 5 }, (_, i) => stripes(32, 1, 4 + 2 * i)));
  await assert.rejects(
    compareImages(several(), each([stripes(32, 1, 4)]), ['fd_effnetlite0', 'kid_effnetlite0']),
    /too few images for every metric/,
  );
});

test('a metric of pixels alone needs no features', async () => {
  const several = () => each(Array.from({ length: 5 }, (_, i) => stripes(32, 1, 4 + 2 * i)));
  const { metrics, extractors } = await compareImages(several(), several(), ['diversity']);
  assert.equal(metrics['images.fake'], 5);
  assert.ok(Number.isFinite(metrics['diversity.fake.ssim']));
  assert.deepEqual(extractors, {});
});

test('features that are not finite numbers are refused with their extractor', () => {
  assert.throws(
    () => checkedFeatures(Float32Array.of(1, Number.NaN), 'inception'),
    /inception gives features that are not finite numbers.*weights are damaged/s,
  );
});

test('images of each class are compared on their own, on networks and on radiomics at once', async () => {
  const classed = (periods: number[]) =>
    (async function* () {
      for (let i = 0; i < 44; i++) {
        const period = (periods[i % 2] as number) + 2 * Math.floor(i / 8);
        yield { ...stripes(32, 1, period), class: i % 2 === 0 ? 'knee' : 'hip' };
      }
    })();
  const { classes, metrics, intervals, caveats } = await compareImages(classed([4, 6]), classed([4, 16]), [
    'kid_effnetlite0',
    'frd',
  ]);
  assert.deepEqual(
    classes.map((own) => own.class),
    ['hip', 'knee'],
  );
  const [hip, knee] = classes.map((own) => own.metrics.kid_effnetlite0 as number) as [number, number];
  assert.ok(hip > knee + 1e-3, `${hip} and ${knee}`);
  assert.ok((metrics.frd as number) > 0 && intervals.frd);
  assert.ok(
    caveats.some((caveat) => caveat.startsWith('frd: 44 real images and 44 synthetic images are fewer')),
  );
});

test('images are resized for FID as TensorFlow 1 did: no aligned corners, no half-pixel centers', () => {
  const pixels = Uint8Array.of(0, 30, 60, 90);
  // [0, 30; 60, 90] to 4x4: positions 0, 0.5, 1, 1.5, of which the last two are on the last pixel.
  const expected = [0, 15, 30, 30, 30, 45, 60, 60, 60, 75, 90, 90, 60, 75, 90, 90];
  assert.deepEqual([...resizeTensorflow1(pixels, 2, 1, 4)], expected);
});

test('only the shards that contain the first images are used', () => {
  const shards = [10, 10, 5].map((images, i) => ({
    key: `${i}.zip`,
    bytes: 1,
    sha256: '0'.repeat(64),
    images,
  }));
  const set: ImageSet = {
    set: 'train',
    prefix: 'd/',
    digest: 'd',
    resolution: 16,
    channels: 1,
    classes: null,
    shards,
  };
  assert.deepEqual(
    [1, 10, 11, 20, 21, 100].map((wanted) => shardsFor(set, wanted)),
    [1, 1, 2, 2, 3, 3],
  );
});
