/**
 * How exactly a generator's images follow its moved or rotated input, in decibels (Karras et al.
 * 2021, "Alias-Free Generative Adversarial Networks", equation 3 and appendix E): EQ-T for whole
 * pixels, EQ-T_frac for any distance, EQ-R for any angle.
 */
import { RandomStream } from '../../core/random.js';
import {
  encodeRawPng,
  type GeneratorProbe,
  type InputTransform,
  type ProbedImages,
  tile,
} from '../../generation/index.js';
import type { Interval } from '../../spec/analyses.js';
import { type Resampled, resampled } from './resample.js';

export type Motion = 'int' | 'frac' | 'rotation';

/** Images are moved by at most this share of their width. */
const FURTHEST = 0.125;
/** Width of the range of values, -1...1. */
const RANGE = 2;
const SEED = 0;
const REPLICATES = 1000;
/** An error below float32's is none. */
const SMALLEST = 1e-14;

export interface Equivariance {
  /** Peak signal-to-noise ratio in decibels: higher is better. */
  value: number;
  interval: Interval;
  /**
   * PNG of some images: as they are, generated with the moved input, moved themselves, difference.
   */
  strip: Uint8Array;
}

/** @throws RangeError for a generator whose input cannot be moved */
export async function equivariance(
  probe: GeneratorProbe,
  motion: Motion,
  images: number,
  onStep: (done: number) => void,
): Promise<Equivariance> {
  if (!probe.hasTransform) throw new RangeError('the input of this generator cannot be moved');
  const random = new RandomStream(SEED, `motions ${motion}`);
  const errors: Error[] = [];
  let strip: Uint8Array | null = null;
  for (let first = 0; first < images; first += probe.batch) {
    const still = await probe.generate(first);
    const transform = randomMotion(motion, still.side, random);
    const moved = await probe.generate(first, transform);
    const wanted = still.images.map((image) => resampled(image, still, transform));
    errors.push(...wanted.map((own, i) => errorOf(moved.images[i] as Float32Array, own, moved.channels)));
    strip ??= await drawStrip(still, moved, wanted);
    onStep(first + probe.batch);
  }
  return { value: decibels(errors), interval: bootstrap(errors), strip: strip ?? new Uint8Array() };
}

/** The transform of positions; one for each batch. */
function randomMotion(motion: Motion, side: number, random: RandomStream): InputTransform {
  if (motion === 'rotation') {
    const angle = 2 * Math.PI * random.uniform();
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return [cos, -sin, 0, sin, cos, 0, 0, 0, 1];
  }
  const [x, y] = [0, 1].map(() => {
    const distance = (2 * random.uniform() - 1) * FURTHEST;
    return motion === 'int' ? Math.round(distance * side) / side : distance;
  }) as [number, number];
  return [1, 0, x, 0, 1, y, 0, 0, 1];
}

/** Sum of squared differences where they are known, and the number of values. */
interface Error {
  squares: number;
  values: number;
}

function errorOf(image: Float32Array, { pixels, valid }: Resampled, channels: number): Error {
  const error = { squares: 0, values: 0 };
  for (let i = 0; i < image.length; i++) {
    if (!valid[Math.floor(i / channels)]) continue;
    error.squares += ((image[i] as number) - (pixels[i] as number)) ** 2;
    error.values++;
  }
  return error;
}

function decibels(errors: readonly Error[]): number {
  const squares = errors.reduce((sum, error) => sum + error.squares, 0);
  const values = errors.reduce((sum, error) => sum + error.values, 0);
  return 10 * Math.log10(RANGE ** 2 / Math.max(SMALLEST, squares / Math.max(1, values)));
}

/** 95 % interval by resampling the images (Efron 1979). */
function bootstrap(errors: readonly Error[]): Interval {
  const random = new RandomStream(SEED, 'replicates of images');
  const values = Array.from({ length: REPLICATES }, () =>
    decibels(errors.map(() => errors[random.integer(errors.length)] as Error)),
  ).sort((a, b) => a - b);
  return {
    low: values[Math.floor(0.025 * REPLICATES)] as number,
    high: values[Math.floor(0.975 * REPLICATES)] as number,
  };
}

function drawStrip(
  still: ProbedImages,
  moved: ProbedImages,
  wanted: readonly Resampled[],
): Promise<Uint8Array> {
  const { side, channels } = still;
  const shown = still.images.flatMap((image, i) => {
    const [own, { pixels, valid }] = [moved.images[i] as Float32Array, wanted[i] as Resampled];
    const known = (values: Float32Array) =>
      values.map((value, at) => (valid[Math.floor(at / channels)] ? value : -1));
    const difference = own.map((value, at) => Math.abs(value - (pixels[at] as number)) - 1);
    return [image, known(own), known(pixels), known(difference)].map(bytesOf);
  });
  return encodeRawPng(tile(shown, 4, side, channels));
}

/** -1...1 to 0...255 */
function bytesOf(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, (value) => Math.min(255, Math.max(0, Math.round(value * 127.5 + 127.5))));
}
