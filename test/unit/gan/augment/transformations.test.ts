/** Each transformation against its definition, on images small enough to write down. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tensor4D } from '@tensorflow/tfjs';
import { filterBands } from '../../../../src/gan/augment/bands.js';
import { type Blit, blit } from '../../../../src/gan/augment/blit.js';
import { type Color, recolor } from '../../../../src/gan/augment/color.js';
import { addNoise, cutOut } from '../../../../src/gan/augment/corruption.js';
import { Draws } from '../../../../src/gan/augment/draws.js';
import { type Geometry, transform } from '../../../../src/gan/augment/geometry.js';
import { filterBank, SYM2 } from '../../../../src/gan/augment/wavelets.js';
import { tf } from '../../../../src/nn/tensorflow.js';
import {
  assertNear,
  each,
  gray,
  randomImages,
  rowsOfGray,
  seedOf,
} from '../../../support/augmentation-tensors.js';

describe('pixel blitting', () => {
  const image = gray([
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ]);
  const done = (change: Partial<Record<keyof Blit, number>>) => {
    const { flip = 1, rotations = 0, shiftX = 0, shiftY = 0 } = change;
    const to = (value: number) => each(1, value);
    return rowsOfGray(
      blit(image, { flip: to(flip), rotations: to(rotations), shiftX: to(shiftX), shiftY: to(shiftY) }),
    );
  };

  test('a flip mirrors left and right', () => {
    assert.deepEqual(done({ flip: -1 }), [
      [3, 2, 1],
      [6, 5, 4],
      [9, 8, 7],
    ]);
  });

  test('quarter rotations are counter-clockwise', () => {
    assert.deepEqual(done({ rotations: 1 }), [
      [3, 6, 9],
      [2, 5, 8],
      [1, 4, 7],
    ]);
    assert.deepEqual(done({ rotations: 2 }), [
      [9, 8, 7],
      [6, 5, 4],
      [3, 2, 1],
    ]);
    assert.deepEqual(done({ rotations: 3 }), [
      [7, 4, 1],
      [8, 5, 2],
      [9, 6, 3],
    ]);
  });

  test('translations are to the right and down, with reflection padding that does not repeat the border', () => {
    assert.deepEqual(done({ shiftX: 1 }), [
      [2, 1, 2],
      [5, 4, 5],
      [8, 7, 8],
    ]);
    assert.deepEqual(done({ shiftY: -1 }), [
      [4, 5, 6],
      [7, 8, 9],
      [4, 5, 6],
    ]);
  });

  test('a flip comes before a rotation, a rotation before a translation', () => {
    assert.deepEqual(done({ flip: -1, rotations: 1, shiftY: 1 }), [
      [2, 5, 8],
      [1, 4, 7],
      [2, 5, 8],
    ]);
  });
});

const IDENTITY = { scale: 1, preRotation: 0, stretch: 1, postRotation: 0, shiftX: 0, shiftY: 0, active: 1 };

function moved(images: Tensor4D, change: Partial<Record<keyof Geometry, number>>): Tensor4D {
  const [n] = images.shape;
  const parameters = Object.entries({ ...IDENTITY, ...change }).map(([name, value]) => [
    name,
    each(n, value),
  ]);
  return transform(images, Object.fromEntries(parameters) as Geometry);
}

/** Values of a function of pixel positions from the center. */
function painted(side: number, paint: (x: number, y: number) => number): Tensor4D {
  const center = (side - 1) / 2;
  return gray(
    Array.from({ length: side }, (_, y) =>
      Array.from({ length: side }, (_, x) => paint(x - center, y - center)),
    ),
  );
}

describe('geometric transformation', () => {
  test('the identity transformation returns the image', () => {
    const images = randomImages(2, 16, 3);
    assertNear(moved(images, {}), images, 2e-6);
  });

  test('an image that is not active stays bit-exact', () => {
    const images = randomImages(1, 8, 1);
    assert.deepEqual(moved(images, { scale: 3, active: 0 }).dataSync(), images.dataSync());
  });

  test('an integer translation copies pixels, with reflection padding', () => {
    const images = randomImages(2, 16, 1);
    const [two, minusThree] = [each(2, 2), each(2, -3)];
    const expected = blit(images, {
      flip: each(2, 1),
      rotations: each(2, 0),
      shiftX: two,
      shiftY: minusThree,
    });
    assertNear(moved(images, { shiftX: 2, shiftY: -3 }), expected, 3e-6);
  });

  test('translations by more than the image are still reflections', () => {
    const images = randomImages(1, 8, 1);
    assertNear(moved(images, { shiftX: 14, shiftY: -28 }), images, 3e-6);
  });

  /** Lines stay lines: away from the border, what is moved is known exactly. */
  const ramp = (side: number, slopeX: number, slopeY: number) =>
    painted(side, (x, y) => slopeX * x + slopeY * y);
  const middle = (images: Tensor4D) => tf.slice(images, [0, 14, 14, 0], [1, 4, 4, 1]);
  const cases: [string, Partial<Geometry | Record<keyof Geometry, number>>, [number, number], number][] = [
    ['a translation by parts of a pixel', { shiftX: 0.3, shiftY: -1.6 }, [1, 2], -0.3 + 3.2],
    ['magnification', { scale: 1.25 }, [1 / 1.25, 2 / 1.25], 0],
    ['stretching, in width', { stretch: 1.25 }, [1 / 1.25, 2 * 1.25], 0],
    ['a quarter rotation clockwise before', { preRotation: Math.PI / 2 }, [-2, 1], 0],
    ['a quarter rotation clockwise after', { postRotation: Math.PI / 2 }, [-2, 1], 0],
    ['a stretch between rotations', { preRotation: Math.PI / 2, stretch: 1.25 }, [-2 / 1.25, 1.25], 0],
    ['a rotation after a stretch', { stretch: 1.25, postRotation: Math.PI / 2 }, [-2 * 1.25, 1 / 1.25], 0],
    [
      'a small rotation',
      { preRotation: 0.1, postRotation: 0.2 },
      [Math.cos(0.3) - 2 * Math.sin(0.3), Math.sin(0.3) + 2 * Math.cos(0.3)],
      0,
    ],
  ];
  for (const [name, change, [slopeX, slopeY], offset] of cases) {
    test(`${name} transforms a linear gradient exactly`, () => {
      const found = moved(ramp(32, 1, 2), change as Record<keyof Geometry, number>);
      assertNear(middle(found), middle(tf.add(ramp(32, slopeX, slopeY), offset)), 1e-3);
    });
  }

  test('frequencies too high for a smaller image are filtered out, not aliased', () => {
    const stripes = painted(32, (x) => (Math.floor(x) % 2 === 0 ? 1 : -1));
    const found = tf.slice(moved(stripes, { scale: 0.5 }), [0, 12, 12, 0], [1, 8, 8, 1]);
    assert.ok(Number(tf.max(tf.abs(found)).dataSync()[0]) < 0.2);
  });
});

describe('color', () => {
  const NO_CHANGE = { brightness: 0, contrast: 1, luma: 1, hue: 0, saturation: 1 };
  const done = (pixel: number[], change: Partial<Record<keyof Color, number>>) => {
    const parameters = Object.entries({ ...NO_CHANGE, ...change }).map(([name, value]) => [
      name,
      each(1, value),
    ]);
    const image = tf.tensor4d(pixel, [1, 1, 1, pixel.length]);
    return Array.from(recolor(image, Object.fromEntries(parameters) as Color).dataSync());
  };
  const near = (found: number[], expected: number[]) =>
    assertNear(tf.tensor1d(found), tf.tensor1d(expected), 1e-6);
  const pixel = [0.1, 0.5, -0.3];

  test('brightness is added', () => near(done(pixel, { brightness: 0.2 }), [0.3, 0.7, -0.1]));
  test('contrast multiplies', () => near(done(pixel, { contrast: 2 }), [0.2, 1, -0.6]));
  test('brightness comes before contrast', () =>
    near(done(pixel, { brightness: 0.2, contrast: 2 }), [0.6, 1.4, -0.2]));
  test('a luma flip mirrors the pixel at the plane of zero luma', () => {
    const mean = 0.1;
    near(
      done(pixel, { luma: -1 }),
      pixel.map((value) => value - 2 * mean),
    );
  });
  test('a hue rotation by 120 degrees moves each channel to the next', () =>
    near(done(pixel, { hue: (2 * Math.PI) / 3 }), [-0.3, 0.1, 0.5]));
  test('saturation multiplies the difference from the luma', () => {
    near(done(pixel, { saturation: 0 }), [0.1, 0.1, 0.1]);
    near(done(pixel, { saturation: 2 }), [0.1, 0.9, -0.7]);
  });
  test('brightness, contrast and luma flip change a gray image as they change a gray RGB image', () => {
    const change = { brightness: 0.2, contrast: 2, luma: -1, hue: 1, saturation: 3 };
    near(done([0.3], change), [-1]);
    near(done([0.3, 0.3, 0.3], change), [-1, -1, -1]);
  });
});

describe('image-space filtering', () => {
  const filtered = (images: Tensor4D, gains: number[], active = 1) =>
    filterBands(images, { gains: tf.tensor2d([gains]), active: each(1, active) });

  test('equal gains multiply the image', () => {
    const images = randomImages(1, 16, 3);
    assertNear(filtered(images, [1, 1, 1, 1]), images, 2e-6);
    assertNear(filtered(images, [2, 2, 2, 2]), tf.mul(images, 4), 8e-6);
  });

  test('the response of one band to a point is its taps along both axes', () => {
    const side = 64;
    const point = painted(side, (x, y) => (x === 0.5 && y === 0.5 ? 1 : 0));
    const taps = filterBank(SYM2)[2] as number[];
    const found = rowsOfGray(filtered(point, [0, 0, 1, 0]));
    const reach = (taps.length - 1) / 2;
    for (const [dx, dy] of [
      [0, 0],
      [1, 0],
      [0, 3],
      [-4, 2],
      [7, -8],
    ] as const) {
      const value = found[side / 2 + dy]?.[side / 2 + dx] as number;
      const expected = (taps[reach + dx] as number) * (taps[reach + dy] as number);
      assert.ok(Math.abs(value - expected) < 1e-6, `${dx}, ${dy}: ${value} instead of ${expected}`);
    }
  });

  test('constant images are in the lowest band, reflections included', () => {
    const flat = painted(8, () => 0.5);
    assertNear(filtered(flat, [1, 0, 0, 0]), flat, 1e-6);
  });

  test('an image that is not active stays bit-exact', () => {
    const images = randomImages(1, 8, 1);
    assert.deepEqual(filtered(images, [1, 5, 1, 1], 0).dataSync(), images.dataSync());
  });
});

describe('corruption', () => {
  test('noise has the standard deviation that was drawn for its image', () => {
    const draws = new Draws(seedOf(3), 4, tf.scalar(1));
    const noise = addNoise(tf.zeros([4, 64, 64, 1]), 0.1, draws);
    const found = tf.sqrt(tf.mean(tf.square(noise), [1, 2, 3])).dataSync();
    draws
      .normal('noise')
      .dataSync()
      .forEach((value, i) => {
        const expected = Math.abs(value) * 0.1;
        assert.ok(Math.abs((found[i] as number) / expected - 1) < 0.05, `${found[i]} instead of ${expected}`);
      });
  });

  test('a square is cut out, or the part of it that is inside the image', () => {
    const ones = tf.ones([1, 4, 4, 1]) as Tensor4D;
    const cut = (x: number, y: number, side: number) =>
      rowsOfGray(cutOut(ones, { x: each(1, x), y: each(1, y), side: each(1, side) }));
    assert.deepEqual(cut(0.5, 0.25, 0.5), [
      [1, 0, 0, 1],
      [1, 0, 0, 1],
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ]);
    assert.deepEqual(cut(1, 0.5, 0.5), [
      [1, 1, 1, 1],
      [1, 1, 1, 0],
      [1, 1, 1, 0],
      [1, 1, 1, 1],
    ]);
    assert.deepEqual(cut(0.5, 0.5, 0).flat(), Array(16).fill(1));
  });
});
