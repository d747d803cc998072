/**
 * Bilinear interpolation as TensorFlow 1 computed it by default, which FID is defined with: corners
 * are not aligned, pixel centers have no half-pixel offset, and nothing is smoothed before
 * downsampling.
 */

/** The two input pixels of each output pixel, and the weight of the second. */
interface Taps {
  first: Int32Array;
  second: Int32Array;
  weight: Float32Array;
}

const cache = new Map<string, Taps>();

function computeTaps(from: number, to: number): Taps {
  const key = `${from} ${to}`;
  const cached = cache.get(key);
  if (cached) return cached;
  const scale = Math.fround(from / to);
  const at = Float32Array.from({ length: to }, (_, i) => i * scale);
  const first = Int32Array.from(at, Math.floor);
  const taps = {
    first,
    second: first.map((index) => Math.min(index + 1, from - 1)),
    weight: at.map((position, i) => position - (first[i] as number)),
  };
  cache.set(key, taps);
  return taps;
}

/**
 * Resizes a square image.
 *
 * @param pixels [from, from, channels]
 * @returns [to, to, channels], values 0...255
 */
export function resizeTensorflow1(
  pixels: Uint8Array | Float32Array,
  from: number,
  channels: number,
  to: number,
): Float32Array {
  const { first, second, weight } = computeTaps(from, to);
  const out = new Float32Array(to * to * channels);
  let at = 0;
  for (let row = 0; row < to; row++) {
    const top = (first[row] as number) * from * channels;
    const bottom = (second[row] as number) * from * channels;
    const down = weight[row] as number;
    for (let column = 0; column < to; column++) {
      const left = (first[column] as number) * channels;
      const right = (second[column] as number) * channels;
      const across = weight[column] as number;
      for (let channel = 0; channel < channels; channel++) {
        const a = pixels[top + left + channel] as number;
        const b = pixels[bottom + left + channel] as number;
        const above = a + ((pixels[top + right + channel] as number) - a) * across;
        const below = b + ((pixels[bottom + right + channel] as number) - b) * across;
        out[at++] = above + (below - above) * down;
      }
    }
  }
  return out;
}
