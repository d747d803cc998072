/**
 * Transfer of position and scale of the object. The mean synthetic image is registered to the mean
 * real image; then centers and sizes of single images get the spread that they have in real images.
 */
import { moments } from '../analyses/calibration.js';
import { grayPlane, type Plane, reduced, standardized } from '../analyses/plane.js';
import type { SquareImage } from '../extractors/input.js';
import { brightFrom } from './tone.js';
import { clamped, type Transfer } from './transfer.js';

/** Smaller changes are left out: interpolation blurs. */
const LEAST = { shift: 0.3, scale: 0.01 };
/** Limits of the change of one image. */
const MOST = { shift: 0.25, scale: 1.5 };
/** Side of the mean images, reach of the search in their pixels, and tried scales. */
const SIDE = 32;
const REACH = 8;
const SCALES = Array.from({ length: 17 }, (_, i) => 1.035 ** (i - 8));

/** Center in pixels, and logarithm of the size. */
interface Place {
  x: number;
  y: number;
  size: number;
}

/** Moves by (x, y) pixels after scaling around the center of the image. */
interface Motion {
  x: number;
  y: number;
  scale: number;
}

export const position: Transfer = (synthetic, real) => {
  const common = registration(
    meanPlane(synthetic),
    meanPlane(real),
    (synthetic[0] as SquareImage).resolution,
  );
  const limits = { synthetic: brightFrom(synthetic), real: brightFrom(real) };
  const placesOf = (images: readonly SquareImage[], limit: number) =>
    images.map((image) => placeOf(image, limit)).filter((place) => place !== null);
  const [own, other] = [placesOf(synthetic, limits.synthetic), placesOf(real, limits.real)];
  const beyond = {
    x: excess(own, other, 'x'),
    y: excess(own, other, 'y'),
    size: excess(own, other, 'size'),
  };
  return (image) => {
    const place = placeOf(image, limits.synthetic);
    if (place === null) return moved(image, common);
    return moved(image, {
      x: common.x + beyond.x(place.x),
      y: common.y + beyond.y(place.y),
      scale: common.scale * Math.exp(beyond.size(place.size)),
    });
  };
};

/** By how much a value must change for the set to have the deviation of another. */
function excess(
  own: readonly Place[],
  other: readonly Place[],
  part: keyof Place,
): (value: number) => number {
  if (own.length < 2 || other.length < 2) return () => 0;
  const from = moments(own.map((place) => place[part]));
  const to = moments(other.map((place) => place[part]));
  const ratio = from.deviation > 1e-6 ? to.deviation / from.deviation : 1;
  return (value) => (value - from.mean) * (ratio - 1);
}

function meanPlane(images: readonly SquareImage[]): Plane {
  const sum = new Float32Array(SIDE * SIDE);
  for (const { pixels, resolution, channels } of images)
    for (const [i, value] of reduced(grayPlane(pixels, resolution, channels), SIDE).data.entries())
      sum[i] = (sum[i] as number) + value / images.length;
  return { side: SIDE, data: sum };
}

/** The motion after which two planes correlate best, for images of a side. */
function registration(own: Plane, other: Plane, side: number): Motion {
  let best = { correlation: Number.NEGATIVE_INFINITY, motion: { x: 0, y: 0, scale: 1 } };
  const image = { resolution: SIDE, channels: 1 as const, pixels: clamped(own.data) };
  const target = standardized(other.data);
  for (const scale of SCALES)
    for (let y = -REACH; y <= REACH; y++)
      for (let x = -REACH; x <= REACH; x++) {
        const seen = standardized(Float32Array.from(sampled(image, { x, y, scale })));
        const correlation = seen.reduce((sum, value, i) => sum + value * (target[i] as number), 0);
        if (correlation > best.correlation + 1e-9) best = { correlation, motion: { x, y, scale } };
      }
  const { x, y, scale } = best.motion;
  return { x: (x * side) / SIDE, y: (y * side) / SIDE, scale };
}

/** Nearest pixels of a gray image after a motion. */
function sampled({ pixels, resolution: side }: SquareImage, { x, y, scale }: Motion): Uint8Array {
  const center = (side - 1) / 2;
  const clip = (at: number) => Math.min(side - 1, Math.max(0, Math.round(at)));
  const columns = Array.from({ length: side }, (_, column) => clip(center + (column - center - x) / scale));
  const out = new Uint8Array(side * side);
  for (let row = 0; row < side; row++) {
    const from = clip(center + (row - center - y) / scale) * side;
    for (let column = 0; column < side; column++)
      out[row * side + column] = pixels[from + (columns[column] as number)] as number;
  }
  return out;
}

/** Center and spread of the brightness above a limit; null for an image without any. */
function placeOf({ pixels, resolution: side, channels }: SquareImage, limit: number): Place | null {
  const { data } = grayPlane(pixels, side, channels);
  let [weight, sx, sy, squares] = [0, 0, 0, 0];
  for (const [i, value] of data.entries()) {
    const mass = Math.max(0, value - limit / 2);
    const [x, y] = [i % side, Math.floor(i / side)];
    weight += mass;
    sx += mass * x;
    sy += mass * y;
    squares += mass * (x * x + y * y);
  }
  if (weight <= 0) return null;
  const [x, y] = [sx / weight, sy / weight];
  const variance = squares / weight - x * x - y * y;
  return variance > 0 ? { x, y, size: Math.log(variance) / 2 } : null;
}

function moved(image: SquareImage, motion: Motion): SquareImage {
  const { resolution: side, channels, pixels } = image;
  const most = MOST.shift * side;
  const limited = (shift: number) => Math.min(most, Math.max(-most, shift));
  const [dx, dy] = [limited(motion.x), limited(motion.y)];
  const scale = Math.min(MOST.scale, Math.max(1 / MOST.scale, motion.scale));
  if (Math.hypot(dx, dy) < LEAST.shift && Math.abs(scale - 1) < LEAST.scale) return image;
  const center = (side - 1) / 2;
  const values = new Float32Array(pixels.length);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const x = center + (column - center - dx) / scale;
      const y = center + (row - center - dy) / scale;
      for (let channel = 0; channel < channels; channel++)
        values[(row * side + column) * channels + channel] = interpolated(image, x, y, channel);
    }
  return { ...image, pixels: clamped(values) };
}

/** Cubic interpolation (Keys 1981, equation 4), which blurs less than linear; borders go on. */
function interpolated(
  { pixels, resolution: side, channels }: SquareImage,
  x: number,
  y: number,
  channel: number,
) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [cubicWeights(x - left), cubicWeights(y - top)];
  const clip = (at: number) => Math.min(side - 1, Math.max(0, at));
  let sum = 0;
  for (let dy = 0; dy < 4; dy++) {
    const row = clip(top + dy - 1) * side;
    for (let dx = 0; dx < 4; dx++)
      sum +=
        (v[dy] as number) *
        (u[dx] as number) *
        (pixels[(row + clip(left + dx - 1)) * channels + channel] as number);
  }
  return sum;
}

function cubicWeights(t: number): [number, number, number, number] {
  const s = 1 - t;
  return [-0.5 * t * s * s, 1 + t * t * (1.5 * t - 2.5), 1 + s * s * (1.5 * s - 2.5), -0.5 * s * t * t];
}
