/** Tables of noise that are computed once: white noise for photons, and a tile of bone texture. */
import { RandomStream } from '../../src/core/random.js';

const SIDE = 256;
const MASK = SIDE * SIDE - 1;
/** Texels to a unit of knee space. */
const TEXELS = 120;

const white = normals('phantom white noise');
const trabeculae = boneTile();

/** A standard normal number that is a pure function of (key, index). */
export function normalAt(key: number, index: number): number {
  let h = Math.imul(index ^ key, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return white[(h ^ (h >>> 13)) & MASK] as number;
}

/**
 * Trabecular texture at a point of knee space: mean 0, standard deviation about 1, elongated
 * vertically.
 */
export function trabeculaeAt(x: number, y: number): number {
  const u = x * TEXELS;
  const v = y * TEXELS;
  const column = Math.floor(u);
  const row = Math.floor(v);
  const fx = u - column;
  const fy = v - row;
  const top = texel(column, row) * (1 - fx) + texel(column + 1, row) * fx;
  const bottom = texel(column, row + 1) * (1 - fx) + texel(column + 1, row + 1) * fx;
  return top * (1 - fy) + bottom * fy;
}

function texel(column: number, row: number): number {
  return trabeculae[((row & (SIDE - 1)) << 8) | (column & (SIDE - 1))] as number;
}

function normals(stream: string): Float32Array {
  const random = new RandomStream(0, stream);
  return Float32Array.from({ length: SIDE * SIDE }, () => random.normal());
}

/** Fine vertical strands over coarse variations. */
function boneTile(): Float32Array {
  const fine = standardize(boxBlur(boxBlur(normals('phantom fine texture'), 1, 4), 1, 3));
  const coarse = standardize(boxBlur(boxBlur(normals('phantom coarse texture'), 9, 12), 9, 12));
  return fine.map((value, i) => 0.75 * value + 0.65 * (coarse[i] as number));
}

/** Mean over (2 rx + 1) x (2 ry + 1) texels of a tile that repeats. */
function boxBlur(tile: Float32Array, rx: number, ry: number): Float32Array {
  return blurAlong(blurAlong(tile, rx, 1), ry, SIDE);
}

function blurAlong(tile: Float32Array, radius: number, stride: 1 | typeof SIDE): Float32Array {
  const other = stride === 1 ? SIDE : 1;
  const out = new Float32Array(tile.length);
  for (let line = 0; line < SIDE; line++) {
    for (let i = 0; i < SIDE; i++) {
      let sum = 0;
      for (let k = -radius; k <= radius; k++) {
        sum += tile[line * other + ((i + k) & (SIDE - 1)) * stride] as number;
      }
      out[line * other + i * stride] = sum / (2 * radius + 1);
    }
  }
  return out;
}

function standardize(tile: Float32Array): Float32Array {
  const mean = tile.reduce((sum, value) => sum + value, 0) / tile.length;
  const variance = tile.reduce((sum, value) => sum + (value - mean) ** 2, 0) / tile.length;
  return tile.map((value) => (value - mean) / Math.sqrt(variance));
}
