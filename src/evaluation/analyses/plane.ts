/** Gray planes of images: luminance, and reduction to a smaller size. */

/** [side, side] */
export interface Plane {
  side: number;
  data: Float32Array;
}

/** Weights of red, green and blue (ITU-R BT.601). */
const LUMINANCE = [0.299, 0.587, 0.114];

/** @param pixels [side, side, channels] */
export function grayPlane(pixels: Uint8Array, side: number, channels: 1 | 3): Plane {
  if (channels === 1) return { side, data: Float32Array.from(pixels) };
  const data = new Float32Array(side * side);
  for (let i = 0; i < data.length; i++)
    for (const [channel, weight] of LUMINANCE.entries())
      data[i] = (data[i] as number) + weight * (pixels[3 * i + channel] as number);
  return { side, data };
}

/** Means over areas: every pixel counts by the part of it that an area covers. */
export function reduced({ side, data }: Plane, to: number): Plane {
  if (to === side) return { side, data };
  const rows = reducedRows(data, side, side, to);
  return { side: to, data: transposed(reducedRows(transposed(rows, side, to), to, side, to), to, to) };
}

/** [rows, from] to [rows, to] */
function reducedRows(data: Float32Array, rows: number, from: number, to: number): Float32Array {
  const out = new Float32Array(rows * to);
  const scale = from / to;
  for (let column = 0; column < to; column++) {
    const [start, end] = [column * scale, (column + 1) * scale];
    for (let source = Math.floor(start); source < Math.min(from, Math.ceil(end)); source++) {
      const weight = (Math.min(end, source + 1) - Math.max(start, source)) / scale;
      for (let row = 0; row < rows; row++)
        out[row * to + column] =
          (out[row * to + column] as number) + weight * (data[row * from + source] as number);
    }
  }
  return out;
}

/** [rows, columns] to [columns, rows] */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = data[row * columns + column] as number;
  return out;
}

export function mirrored({ side, data }: Plane): Plane {
  const out = new Float32Array(data.length);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      out[row * side + column] = data[(row + 1) * side - 1 - column] as number;
  return { side, data: out };
}

/** Mean 0 and norm 1; all 0 for a constant plane. */
export function standardized(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const norm = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  // Rounding leaves a little of a constant.
  return values.map((value) => (norm > 1e-3 ? (value - mean) / norm : 0));
}

/** @param pixels [side, side, channels] */
export function mirroredPixels(pixels: Uint8Array, side: number, channels: 1 | 3): Uint8Array {
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < side * side; i++) {
    const from = (Math.floor(i / side) * side + side - 1 - (i % side)) * channels;
    out.set(pixels.subarray(from, from + channels), i * channels);
  }
  return out;
}
