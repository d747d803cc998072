/** Tests of the whole augmentation: identity, dependence on the seed, and gradients. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor4D } from '@tensorflow/tfjs';
import { augment } from '../../../../src/gan/augment/augment.js';
import { drawBlit } from '../../../../src/gan/augment/blit.js';
import { drawColor } from '../../../../src/gan/augment/color.js';
import { Draws } from '../../../../src/gan/augment/draws.js';
import { drawGeometry } from '../../../../src/gan/augment/geometry.js';
import { AUGMENTATION_SETS, type AugmentationSet, defaultSet } from '../../../../src/gan/augment/sets.js';
import { createProgram, type ProgramDefinition } from '../../../../src/nn/program/program.js';
import { tf } from '../../../../src/nn/tensorflow.js';
import { assertNear, randomImages, seedOf } from '../../../support/augmentation-tensors.js';

const SETS = Object.entries(AUGMENTATION_SETS) as [string, AugmentationSet][];
const strength = (p: number) => tf.tensor1d([p]);

describe('augmentation', () => {
  for (const [name, set] of SETS) {
    test(`with p = 0 ${name} returns gray and RGB images bit-exact`, () => {
      for (const channels of [1, 3]) {
        const images = randomImages(3, 8, channels);
        assert.deepEqual(augment(images, set, strength(0), seedOf(1)).dataSync(), images.dataSync());
      }
    });

    test(`with p = 1 ${name} changes gray and RGB images, finitely`, () => {
      for (const channels of [1, 3]) {
        const images = randomImages(3, 8, channels);
        const found = augment(images, set, strength(1), seedOf(1));
        assert.deepEqual(found.shape, images.shape);
        assert.notDeepEqual(found.dataSync(), images.dataSync());
        assert.ok(found.dataSync().every(Number.isFinite));
      }
    });
  }

  test('equal seeds give equal augmentations, other seeds others, and each image of a batch has its own', () => {
    const one = randomImages(1, 8, 1);
    const images = tf.tile(one, [2, 1, 1, 1]) as Tensor4D;
    const done = (seed: number) =>
      augment(images, AUGMENTATION_SETS.bgcfnc, strength(1), seedOf(seed)).dataSync();
    assert.deepEqual(done(1), done(1));
    assert.notDeepEqual(done(1), done(2));
    assert.notDeepEqual(done(1).slice(0, 64), done(1).slice(64));
  });

  test('each transformation is applied to a fraction p of the images, rotation included', () => {
    const n = 20_000;
    const draws = new Draws(seedOf(4), n, tf.scalar(0.3));
    const share = (values: { dataSync(): Float32Array | Int32Array | Uint8Array }, neutral: number) =>
      values.dataSync().filter((value) => value !== neutral).length / n;
    const near = (found: number, wanted: number) =>
      assert.ok(Math.abs(found - wanted) < 0.015, `${found} instead of ${wanted}`);
    const blitted = drawBlit(AUGMENTATION_SETS.blit, draws, 64);
    near(share(blitted.flip, 1), 0.3 / 2);
    near(share(blitted.rotations, 0), (0.3 * 3) / 4);
    const { scale, preRotation, postRotation, shiftX } = drawGeometry(AUGMENTATION_SETS.geom, draws, 64);
    near(share(scale, 1), 0.3);
    near(share(shiftX, 0), 0.3);
    near(share(tf.add(tf.abs(preRotation), tf.abs(postRotation)), 0), 0.3);
    const { contrast, luma, hue } = drawColor(AUGMENTATION_SETS.color, draws);
    near(share(contrast, 1), 0.3);
    near(share(luma, 1), 0.3 / 2);
    near(share(hue, 0), 0.3);
  });

  test('a strength above 1 has the effect of 1', () => {
    const images = randomImages(2, 8, 1);
    const done = (p: number) => augment(images, AUGMENTATION_SETS.bgc, strength(p), seedOf(1)).dataSync();
    assert.deepEqual(done(1.5), done(1));
  });
});

describe('the medical set', () => {
  const { medical } = AUGMENTATION_SETS;
  const draws = new Draws(seedOf(5), 5_000, tf.scalar(1));

  test('is the default for gray images, and bgc for RGB', () => {
    assert.deepEqual([defaultSet(1), defaultSet(3)], ['medical', 'bgc']);
  });

  test('never flips or rotates by quarters', () => {
    const { flip, rotations } = drawBlit(medical, draws, 64);
    assert.ok(flip.dataSync().every((value) => value === 1));
    assert.ok(rotations.dataSync().every((value) => value === 0));
  });

  test('rotates by no more than twenty degrees in total, and never stretches', () => {
    const { preRotation, postRotation, stretch } = drawGeometry(medical, draws, 64);
    const most = tf.max(tf.abs(tf.add(preRotation, postRotation))).dataSync()[0] as number;
    assert.ok(most <= (20 / 180) * Math.PI);
    assert.ok(stretch.dataSync().every((value) => value === 1));
  });

  test('keeps the left side on the left', () => {
    const side = 32;
    const left = tf.tensor4d(
      Array.from({ length: side * side }, (_, i) => (i % side < side / 2 ? 0.8 : -0.8)),
      [1, side, side, 1],
    );
    const images = tf.tile(left, [64, 1, 1, 1]) as Tensor4D;
    const found = augment(images, medical, strength(1), seedOf(6));
    const [west, east] = tf.split(tf.mean(found, [1, 3]), 2, 1);
    const difference = tf.sub(tf.mean(west as never, 1), tf.mean(east as never, 1)).dataSync();
    assert.ok(difference.every((value) => value > 0.3));
  });

  test('leaves gray RGB images gray', () => {
    const images = tf.tile(randomImages(8, 16, 1), [1, 1, 1, 3]) as Tensor4D;
    const [r, g, b] = tf.split(augment(images, medical, strength(1), seedOf(7)), 3, 3) as [
      Tensor4D,
      Tensor4D,
      Tensor4D,
    ];
    assertNear(r, g, 1e-6);
    assertNear(b, g, 1e-6);
  });
});

describe('gradients of augmentation', () => {
  const side = 8;
  const set = AUGMENTATION_SETS.bgcfnc;
  const seed = () => seedOf(11);
  const p = () => strength(0.8);

  for (const channels of [1, 3]) {
    test(`with respect to the images match finite differences, ${channels} channels`, () => {
      const images = randomImages(4, side, channels, 1);
      const weights = randomImages(4, side, channels, 2);
      const direction = randomImages(4, side, channels, 3);
      const loss = (x: Tensor4D) => tf.sum(tf.mul(tf.square(augment(x, set, p(), seed())), weights));
      const slope = tf.sum(tf.mul(tf.grad((x) => loss(x as Tensor4D))(images), direction)).dataSync()[0];
      const at = (step: number) =>
        Number(loss(tf.add(images, tf.mul(direction, step)) as Tensor4D).dataSync()[0]);
      const expected = (at(0.05) - at(-0.05)) / 0.1;
      assert.ok(
        Math.abs(Number(slope) - expected) < 2e-3 * Math.max(1, Math.abs(expected)),
        `${slope} ${expected}`,
      );
    });

    test(`are differentiable, as a gradient penalty requires, ${channels} channels`, () => {
      const images = randomImages(4, side, channels, 1);
      const direction = tf.mul(randomImages(4, side, channels, 3), 0.1);
      // The logit of a small discriminator, whose weights the penalty is differentiated by.
      const logit = (x: Tensor4D, w: Tensor4D) => tf.sum(tf.mul(tf.pow(augment(x, set, p(), seed()), 3), w));
      const penalty = (w: Tensor4D) => tf.sum(tf.square(tf.grad((x) => logit(x as Tensor4D, w))(images)));
      const weights = randomImages(4, side, channels, 2);
      const slope = tf.sum(tf.mul(tf.grad((w) => penalty(w as Tensor4D))(weights), direction)).dataSync()[0];
      const at = (step: number) =>
        Number(penalty(tf.add(weights, tf.mul(direction, step)) as Tensor4D).dataSync()[0]);
      // The penalty is quadratic in w: central differences are exact except for rounding.
      const expected = (at(1) - at(-1)) / 2;
      assert.ok(Math.abs(Number(slope) - expected) < 1e-3 * Math.abs(expected), `${slope} ${expected}`);
    });
  }

  test('are zero for pixels that were cut out, and reach every pixel of images that are not augmented', () => {
    const images = randomImages(2, side, 1);
    const gradient = (p: number, set: AugmentationSet) =>
      tf.grad((x) => tf.sum(augment(x as Tensor4D, set, strength(p), seed())))(images);
    assertNear(gradient(0, AUGMENTATION_SETS.bgcfnc), tf.onesLike(images), 0);
    const cut = Array.from(gradient(1, AUGMENTATION_SETS.cutout).dataSync());
    assert.ok(cut.includes(0) && cut.every((value) => value === 0 || value === 1));
  });
});

test('compiled augmentation computes the numbers of eager mode at every strength, without being compiled again', async () => {
  for (const channels of [1, 3]) {
    const shape = [4, 8, 8, channels];
    const definition: ProgramDefinition = {
      variables: { unused: { shape: [], init: 0 } },
      phases: {
        augment: {
          feeds: {
            images: { shape, dtype: 'float32' },
            p: { shape: [1], dtype: 'float32' },
            seed: { shape: [2], dtype: 'int32' },
          },
          body: (_variables, { images, p, seed }) => {
            assert.ok(images && p && seed);
            const augmented = (x: Tensor4D) => augment(x, AUGMENTATION_SETS.bgcfnc, p, seed);
            const gradient = tf.grad((x) => tf.sum(tf.square(augmented(x as Tensor4D))))(images);
            return { outputs: { augmented: augmented(images as Tensor4D), gradient } };
          },
        },
      },
    };
    const [graph, eager] = [
      await createProgram(definition, { mode: 'graph' }),
      await createProgram(definition, { mode: 'eager' }),
    ];
    const images = randomImages(4, 8, channels).dataSync() as Float32Array;
    for (const p of [0, 0.3, 1]) {
      const feeds = { images, p: Float32Array.of(p), seed: Int32Array.of(3, 4) };
      const [found, wanted] = [await graph.run('augment', feeds), await eager.run('augment', feeds)];
      for (const name of ['augmented', 'gradient'])
        assertNear(tf.tensor1d(found[name] ?? []), tf.tensor1d(wanted[name] ?? []), 1e-4);
      if (p === 0) assert.deepEqual(found.augmented, images);
    }
    graph.dispose();
    eager.dispose();
  }
});
