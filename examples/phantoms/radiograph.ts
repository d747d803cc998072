/**
 * One radiograph: a knee seen by a detector, with its exposure, position, noise, blur and borders.
 */
import type { RandomStream } from '../../src/core/random.js';
import { type Anatomy, drawAnatomy, type Grade } from './anatomy.js';
import { Curve } from './curve.js';
import { kneeAt } from './knee.js';
import { normalAt } from './texture.js';

/** Gray image, row by row, 0...255. */
export interface GrayImage {
  width: number;
  height: number;
  pixels: Uint8Array;
}

/** How an image was taken; lengths in knee-space units unless they are pixels. */
interface Acquisition {
  width: number;
  height: number;
  leftKnee: boolean;
  /** Pixels to a unit of knee space. */
  scale: number;
  shiftX: number;
  shiftY: number;
  /** Radians. */
  rotation: number;
  gain: number;
  /** Exponent of the tone curve. */
  gamma: number;
  /** Standard deviation of the noise at full brightness, 0...1. */
  noise: number;
  /** Width of edges, caused by focal blur. */
  soft: number;
  /** Passes of a [1 2 1]/4 filter: blur of the detector. */
  blurPasses: number;
  /**
   * Pixels hidden by the collimator on the left, top, right and bottom; null: the whole detector
   * was lit.
   */
  collimator: { insets: [number, number, number, number]; radius: number } | null;
}

const SHORT_SIDE = { min: 200, max: 440 };
const ASPECT = { min: 1.05, max: 1.3 };

/**
 * A radiograph of a new knee; draws everything from `random`, so equal streams give equal pixels.
 */
export function takeRadiograph(random: RandomStream, grade: Grade): GrayImage {
  const anatomy = drawAnatomy(random, grade);
  const acquisition = drawAcquisition(random);
  const noiseKey = random.integer(2 ** 31);
  const light = blur(project(anatomy, acquisition), acquisition);
  return expose(light, acquisition, noiseKey);
}

function drawAcquisition(random: RandomStream): Acquisition {
  const short = Math.round(between(random, SHORT_SIDE.min, SHORT_SIDE.max));
  const long = Math.round(short * between(random, ASPECT.min, ASPECT.max));
  const upright = random.uniform() < 0.75;
  return {
    width: upright ? short : long,
    height: upright ? long : short,
    leftKnee: random.uniform() < 0.5,
    scale: (short / 2) * (1 + clampedNormal(random, 0.035)),
    shiftX: clampedNormal(random, 0.03),
    shiftY: clampedNormal(random, 0.04),
    rotation: clampedNormal(random, 0.03),
    gain: 1.1 * (1 + clampedNormal(random, 0.08)),
    gamma: 1.1 * (1 + clampedNormal(random, 0.09)),
    noise: between(random, 0.01, 0.035),
    soft: between(random, 0.006, 0.016),
    blurPasses: random.integer(3),
    collimator: random.uniform() < 0.35 ? drawCollimator(random, short) : null,
  };
}

function drawCollimator(random: RandomStream, short: number): Acquisition['collimator'] {
  const inset = () => Math.round(short * between(random, 0.01, 0.05));
  const insets: [number, number, number, number] = [inset(), inset(), inset(), inset()];
  return { insets, radius: random.uniform() < 0.5 ? 0 : short * between(random, 0.03, 0.12) };
}

/** The knee on the detector, without noise: [height, width] float32, 0 air ... about 1. */
function project(anatomy: Anatomy, acquisition: Acquisition): Float32Array {
  const { width, height, scale, soft, rotation } = acquisition;
  const stepX = Math.cos(rotation) / scale;
  const stepY = Math.sin(rotation) / scale;
  const sign = acquisition.leftKnee ? -1 : 1;
  const edge = Math.max(soft, 0.75 / scale);
  const out = new Float32Array(width * height);
  for (let row = 0; row < height; row++) {
    const down = row + 0.5 - height / 2;
    for (let column = 0; column < width; column++) {
      const right = column + 0.5 - width / 2;
      const x = right * stepX - down * stepY - acquisition.shiftX;
      const y = right * stepY + down * stepX - acquisition.shiftY;
      out[row * width + column] = kneeAt(anatomy, sign * x, y, edge);
    }
  }
  return out;
}

function blur(light: Float32Array, { width, height, blurPasses }: Acquisition): Float32Array {
  let current = light;
  for (let pass = 0; pass < blurPasses; pass++) {
    current = smooth(smooth(current, width, height, 1), width, height, width);
  }
  return current;
}

/** [1 2 1]/4 along rows (stride 1) or columns (stride = width); the rim is left as it is. */
function smooth(light: Float32Array, width: number, height: number, stride: number): Float32Array {
  const out = light.slice();
  const rim = stride === 1 ? 0 : 1;
  for (let row = rim; row < height - rim; row++) {
    for (let i = row * width + 1 - rim; i < (row + 1) * width - 1 + rim; i++) {
      out[i] =
        0.5 * (light[i] as number) + 0.25 * ((light[i - stride] as number) + (light[i + stride] as number));
    }
  }
  return out;
}

/** Tone curve, photon noise and the collimator's shadow. */
function expose(light: Float32Array, acquisition: Acquisition, noiseKey: number): GrayImage {
  const { width, height, gain, gamma, noise } = acquisition;
  const toneCurve = new Curve((t) => gain * Math.max(t, 0) ** gamma);
  const noiseCurve = new Curve((t) => noise * Math.sqrt(0.15 + Math.max(t, 0)));
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const i = row * width + column;
      const tone = toneCurve.at(light[i] as number);
      const grain = noiseCurve.at(tone) * normalAt(noiseKey, i);
      const value = (0.02 + tone + grain) * opening(acquisition, column, row);
      pixels[i] = Math.min(Math.max(Math.round(255 * value), 0), 255);
    }
  }
  return { width, height, pixels };
}

/** 1 where the detector is lit, 0 behind the collimator, between on its edge. */
function opening({ collimator, width, height }: Acquisition, column: number, row: number): number {
  if (!collimator) return 1;
  const [left, top, right, bottom] = collimator.insets;
  const { radius } = collimator;
  const inX = Math.min(column - left, width - 1 - right - column);
  const inY = Math.min(row - top, height - 1 - bottom - row);
  const inside =
    inX < radius && inY < radius ? radius - Math.hypot(radius - inX, radius - inY) : Math.min(inX, inY);
  return Math.min(Math.max(inside + 0.5, 0), 1);
}

function between(random: RandomStream, min: number, max: number): number {
  return min + (max - min) * random.uniform();
}

/**
 * Normal with the given standard deviation, limited to two of them, so that no image is an outlier.
 */
function clampedNormal(random: RandomStream, sigma: number): number {
  return sigma * Math.min(Math.max(random.normal(), -2), 2);
}
