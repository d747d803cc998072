/**
 * Faults that pixels show without a network: checkerboard patterns, the slope of the power
 * spectrum, blur, unusual borders, saturation.
 */
import type { Tensor3D } from '@tensorflow/tfjs';
import type { OnProgress } from '../../core/progress.js';
import { tf } from '../../nn/tensorflow.js';
import { type AnalyzedSet, imagesOf } from '../analyses/analyzed-set.js';
import { moments } from '../analyses/calibration.js';
import { grayPlane, type Plane } from '../analyses/plane.js';
import { frequencies, transform } from '../analyses/spectrum.js';

export const APPEARANCE_SCORES = ['checkerboard', 'spectrum', 'blur', 'border', 'saturation'] as const;
export type AppearanceScore = (typeof APPEARANCE_SCORES)[number];

/** Statistics of one image. */
interface Appearance {
  /** Logarithm of the coherence of the pattern of two pixels: 0 for a pure checkerboard. */
  checkerboard: number;
  /** Slope of the logarithm of power over that of frequency. */
  slope: number;
  /** Logarithm of the strength of edges relative to the contrast. */
  sharpness: number;
  /** Means and deviations of segments along the four sides. */
  border: Float64Array;
  /** Logarithms of the shares of white and of black pixels. */
  white: number;
  black: number;
}

const WHITE = 250;
const BLACK = 2;
/** Segments of each side; their depth is this part of the side. */
const SEGMENTS = 8;
const DEPTH = 16;
/** Frequencies in cycles per pixel that the slope is fitted to. */
const SLOPE_RANGE = { from: 0.06, to: 0.5 };
/** Bounds a transform's memory: pixels at once. */
const CHUNK_PIXELS = 2 ** 22;
/** Keeps logarithms of constant images finite. */
const TINY = 1e-3;

export async function appearances(set: AnalyzedSet, onProgress: OnProgress): Promise<Appearance[]> {
  const chunk = Math.max(1, Math.floor(CHUNK_PIXELS / set.side ** 2));
  const found: Appearance[] = [];
  let planes: Plane[] = [];
  const flush = async () => {
    const slopes = spectralSlopes(planes);
    for (const [i, plane] of planes.entries())
      found.push({ ...appearanceOf(plane), slope: slopes[i] as number });
    planes = [];
    onProgress({ done: found.length, total: set.images, unit: 'images' });
    await new Promise(setImmediate);
  };
  for await (const { pixels } of imagesOf(set)) {
    planes.push(grayPlane(pixels, set.side, set.channels));
    if (planes.length === chunk) await flush();
  }
  if (planes.length > 0) await flush();
  return found;
}

function appearanceOf(plane: Plane): Omit<Appearance, 'slope'> {
  const { data } = plane;
  const { deviation } = moments(data);
  const edges = moments(laplacian(plane)).deviation;
  const share = (test: (value: number) => boolean) =>
    Math.log((data.reduce((sum, value) => sum + (test(value) ? 1 : 0), 0) + 1) / data.length);
  return {
    checkerboard: coherence(plane),
    sharpness: Math.log((edges + TINY) / (deviation + TINY)),
    border: borderSegments(plane),
    white: share((value) => value >= WHITE),
    black: share((value) => value <= BLACK),
  };
}

/** Second differences in both directions, without the outermost pixels. */
function laplacian({ side, data }: Plane): Float32Array {
  const inner = Math.max(1, side - 2);
  return Float32Array.from({ length: inner * inner }, (_, i) => {
    const at = (Math.floor(i / inner) + 1) * side + (i % inner) + 1;
    const around =
      (data[at - 1] as number) +
      (data[at + 1] as number) +
      (data[at - side] as number) +
      (data[at + side] as number);
    return 4 * (data[at] as number) - around;
  });
}

/**
 * Largest correlation of the second differences with patterns that alternate by column, by row and
 * by both. Transposed convolutions leave such patterns (Odena et al. 2016, "Deconvolution and
 * Checkerboard Artifacts").
 */
function coherence(plane: Plane): number {
  const edges = laplacian(plane);
  const inner = Math.max(1, plane.side - 2);
  const sums = [0, 0, 0];
  let squares = 0;
  for (const [i, value] of edges.entries()) {
    const [row, column] = [Math.floor(i / inner) % 2, (i % inner) % 2];
    const signs = [1 - 2 * row, 1 - 2 * column, (1 - 2 * row) * (1 - 2 * column)];
    for (const [k, sign] of signs.entries()) sums[k] = (sums[k] as number) + sign * value;
    squares += value * value;
  }
  const largest = Math.max(...sums.map(Math.abs)) / edges.length;
  return Math.log((largest + TINY) / (Math.sqrt(squares / edges.length) + TINY));
}

function spectralSlopes(planes: readonly Plane[]): number[] {
  const side = (planes[0] as Plane).side;
  const power = tf.tidy(() => {
    const data = new Float32Array(planes.length * side * side);
    for (const [i, plane] of planes.entries()) data.set(windowed(plane), i * side * side);
    const images: Tensor3D = tf.tensor3d(data, [planes.length, side, side]);
    const { real, imaginary } = transform(images);
    return tf.add(tf.square(real), tf.square(imaginary));
  });
  const values = power.dataSync<'float32'>();
  power.dispose();
  const frequency = frequencies(side);
  return planes.map((_, i) => slopeOf(values.subarray(i * side * side, (i + 1) * side * side), frequency));
}

/** Less the mean, and faded out at the border (Hann): the border is an edge to a transform. */
function windowed({ side, data }: Plane): Float32Array {
  const { mean } = moments(data);
  const fade = Float32Array.from({ length: side }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / side) ** 2);
  return data.map(
    (value, i) => (value - mean) * (fade[Math.floor(i / side)] as number) * (fade[i % side] as number),
  );
}

/** Least squares over all places of the transform in the range. */
function slopeOf(power: Float32Array, frequency: Float32Array): number {
  let [n, sx, sy, xx, xy] = [0, 0, 0, 0, 0];
  for (const [i, f] of frequency.entries()) {
    if (f < SLOPE_RANGE.from || f > SLOPE_RANGE.to) continue;
    const [x, y] = [Math.log(f), Math.log((power[i] as number) + TINY)];
    n++;
    sx += x;
    sy += y;
    xx += x * x;
    xy += x * y;
  }
  return (n * xy - sx * sy) / Math.max(TINY, n * xx - sx * sx);
}

/** Mean and deviation of each segment: [4 sides, segments, 2]. */
function borderSegments({ side, data }: Plane): Float64Array {
  const depth = Math.max(1, Math.round(side / DEPTH));
  const out = new Float64Array(4 * SEGMENTS * 2);
  for (let edge = 0; edge < 4; edge++)
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const [from, to] = [segment, segment + 1].map((s) => Math.floor((s * side) / SEGMENTS)) as [
        number,
        number,
      ];
      const values: number[] = [];
      for (let d = 0; d < depth; d++)
        for (let along = from; along < to; along++) {
          const across = edge % 2 === 0 ? d : side - 1 - d;
          values.push(data[edge < 2 ? across * side + along : along * side + across] as number);
        }
      const { mean, deviation } = moments(values);
      out.set([mean, deviation], 2 * (edge * SEGMENTS + segment));
    }
  return out;
}

/** What training images look like, which scores are distances from. */
export class AppearanceModel {
  private readonly numbers: Record<'slope' | 'white' | 'black', ReturnType<typeof moments>>;
  private readonly border: ReturnType<typeof moments>[];

  constructor(train: readonly Appearance[]) {
    const of = (value: (a: Appearance) => number) => moments(train.map(value));
    this.numbers = { slope: of((a) => a.slope), white: of((a) => a.white), black: of((a) => a.black) };
    this.border = Array.from({ length: 4 * SEGMENTS * 2 }, (_, i) => of(({ border }) => border[i] as number));
  }

  /** Higher is more unusual. */
  scores(image: Appearance): Record<AppearanceScore, number> {
    const { slope, white, black } = this.numbers;
    return {
      checkerboard: image.checkerboard,
      spectrum: Math.abs(deviations(image.slope, slope)),
      blur: -image.sharpness,
      border: Math.max(
        ...this.border.map((model, i) => Math.abs(deviations(image.border[i] as number, model))),
      ),
      saturation: Math.max(deviations(image.white, white), Math.abs(deviations(image.black, black))),
    };
  }
}

function deviations(value: number, { mean, deviation }: ReturnType<typeof moments>): number {
  return (value - mean) / (deviation + TINY);
}
