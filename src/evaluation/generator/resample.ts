/** Moves and rotates images: Lanczos interpolation with three lobes on each side. */
import type { InputTransform } from '../../generation/index.js';

const LOBES = 3;
/** Positions nearer to a pixel are on it. */
const ON_PIXEL = 1e-6;

export interface Resampled {
  /** [side, side, channels] */
  pixels: Float32Array;
  /** 1 where all pixels that a value is made of are within the image: [side, side] */
  valid: Uint8Array;
}

/**
 * The image whose value at position x is that of the given one at the transformed position.
 *
 * @param image [side, side, channels]
 * @param transform of positions in image widths from the center, (x, y, 1)
 */
export function resampled(
  image: Float32Array,
  { side, channels }: { side: number; channels: number },
  transform: InputTransform,
): Resampled {
  const pixels = new Float32Array(image.length);
  const valid = new Uint8Array(side * side);
  const center = side / 2;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const [x, y] = [(column + 0.5 - center) / side, (row + 0.5 - center) / side];
      const across = taps(side, (transform[0] * x + transform[1] * y + transform[2]) * side + center - 0.5);
      const down = taps(side, (transform[3] * x + transform[4] * y + transform[5]) * side + center - 0.5);
      if (!across || !down) continue;
      const at = row * side + column;
      valid[at] = 1;
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (const [i, vertical] of down.weights.entries())
          for (const [j, horizontal] of across.weights.entries()) {
            const source = (down.first + i) * side + across.first + j;
            sum += vertical * horizontal * (image[source * channels + channel] as number);
          }
        pixels[at * channels + channel] = sum;
      }
    }
  }
  return { pixels, valid };
}

/** Weights of the pixels around a position on one axis; null when some are outside. */
function taps(side: number, position: number): { first: number; weights: number[] } | null {
  const nearest = Math.round(position);
  if (Math.abs(position - nearest) < ON_PIXEL)
    return nearest >= 0 && nearest < side ? { first: nearest, weights: [1] } : null;
  const first = Math.floor(position) - LOBES + 1;
  if (first < 0 || first + 2 * LOBES > side) return null;
  const raw = Array.from({ length: 2 * LOBES }, (_, i) => lanczos(position - first - i));
  const sum = raw.reduce((total, weight) => total + weight, 0);
  return { first, weights: raw.map((weight) => weight / sum) };
}

function lanczos(x: number): number {
  return sinc(x) * sinc(x / LOBES);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
