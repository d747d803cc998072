/** Contrast-limited adaptive histogram equalization (Zuiderveld 1994). */

const LEVELS = 256;
/** Tiles per side. Smaller images have fewer, so that each tile has enough pixels. */
const TILES = 8;
const LEAST_TILE_SIDE = 16;
/** Largest share of a level in the histogram of a tile, in multiples of the mean. */
const CLIP_LIMIT = 2;

/**
 * Each tile gets the mapping that equalizes its histogram, after the peaks of the histogram were
 * clipped and distributed over all levels. A pixel gets the mean of the mappings of the four
 * nearest tiles, weighted by the distance to their centers.
 *
 * @param gray [height, width] uint8.
 * @returns [height, width] uint8.
 */
export function equalizeAdaptively(gray: Uint8Array, width: number, height: number): Uint8Array {
  const columns = tileCount(width);
  const rows = tileCount(height);
  const mappings = Array.from({ length: rows * columns }, (_, tile) =>
    equalizing(
      tileHistogram(gray, width, [
        tileRange(width, columns, tile % columns),
        tileRange(height, rows, Math.floor(tile / columns)),
      ]),
    ),
  );
  const across = Array.from({ length: width }, (_, x) => neighbors(x, width, columns));
  const output = new Uint8Array(gray.length);
  for (let y = 0; y < height; y++) {
    const down = neighbors(y, height, rows);
    for (let x = 0; x < width; x++) {
      const side = across[x] as Neighbors;
      const level = gray[y * width + x] as number;
      const at = (row: number, column: number) =>
        (mappings[row * columns + column] as Float64Array)[level] as number;
      const above = mix(at(down.low, side.low), at(down.low, side.high), side.weight);
      const below = mix(at(down.high, side.low), at(down.high, side.high), side.weight);
      output[y * width + x] = Math.round(mix(above, below, down.weight));
    }
  }
  return output;
}

function tileCount(side: number): number {
  return Math.max(1, Math.min(TILES, Math.floor(side / LEAST_TILE_SIDE)));
}

type Range = readonly [number, number];

function tileRange(side: number, count: number, tile: number): Range {
  return [Math.floor((tile * side) / count), Math.floor(((tile + 1) * side) / count)];
}

function tileHistogram(
  gray: Uint8Array,
  width: number,
  [[left, right], [top, bottom]]: readonly [Range, Range],
) {
  const histogram = new Float64Array(LEVELS);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const level = gray[y * width + x] as number;
      histogram[level] = (histogram[level] as number) + 1;
    }
  }
  return histogram;
}

/** The mapping of levels to 0...255 that equalizes a histogram after its peaks were clipped. */
function equalizing(histogram: Float64Array): Float64Array {
  const total = histogram.reduce((a, b) => a + b, 0);
  const limit = (CLIP_LIMIT * total) / LEVELS;
  const clipped = histogram.map((count) => Math.min(count, limit));
  const excess = (total - clipped.reduce((a, b) => a + b, 0)) / LEVELS;
  let sum = 0;
  return clipped.map((count) => {
    sum += count + excess;
    return ((LEVELS - 1) * sum) / total;
  });
}

/** The two nearest tiles on a line, and the weight of the second. */
interface Neighbors {
  low: number;
  high: number;
  weight: number;
}

function neighbors(position: number, side: number, count: number): Neighbors {
  const place = Math.min(count - 1, Math.max(0, ((position + 0.5) * count) / side - 0.5));
  const low = Math.floor(place);
  return { low, high: Math.min(count - 1, low + 1), weight: place - low };
}

function mix(a: number, b: number, weight: number): number {
  return a + (b - a) * weight;
}
