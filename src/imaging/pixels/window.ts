/** Maps samples of any depth to 8 bits: the range of values that is shown, and its application. */

/** The values that become 0 and 255. */
export interface ValueRange {
  low: number;
  high: number;
}

/**
 * The values at two percentiles (0 to 100), linearly interpolated between samples (Hyndman and Fan
 * 1996, definition 7, as in NumPy).
 *
 * @param values [n] samples.
 * @param isPadding whether a value is outside of the image, and does not count.
 * @returns 0 to 255 when all values are padding.
 */
export function percentileRange(
  values: ArrayLike<number>,
  percentiles: readonly [number, number],
  isPadding?: (value: number) => boolean,
): ValueRange {
  const kept = isPadding ? Float64Array.from(values).filter((value) => !isPadding(value)) : values;
  if (kept.length === 0) return { low: 0, high: 255 };
  const ordered = orderStatistics(kept);
  const [low, high] = percentiles.map((percentile) => {
    const position = (Math.min(100, Math.max(0, percentile)) / 100) * (kept.length - 1);
    const below = ordered(Math.floor(position));
    return below + (position % 1) * (ordered(Math.ceil(position)) - below);
  }) as [number, number];
  return { low, high };
}

/** @returns a function that gives the k-th smallest value, k from 0 */
function orderStatistics(values: ArrayLike<number>): (k: number) => number {
  if (!(values instanceof Uint8Array || values instanceof Uint16Array || values instanceof Int16Array)) {
    const sorted = Float64Array.from(values).sort();
    return (k) => sorted[k] as number;
  }
  // Counting is an order of magnitude faster than sorting, and most images have integers.
  const lowest = values instanceof Int16Array ? -(2 ** 15) : 0;
  const counts = new Uint32Array(2 ** 16);
  for (let i = 0; i < values.length; i++) {
    const bin = (values[i] as number) - lowest;
    counts[bin] = (counts[bin] as number) + 1;
  }
  return (k) => {
    let bin = 0;
    for (let seen = counts[0] as number; seen <= k; seen += counts[bin] as number) bin++;
    return bin + lowest;
  };
}

/**
 * Maps `low` to 0 and `high` to 255, linearly in between, rounded and clipped.
 *
 * @param values [n] samples.
 * @param inverted `low` becomes 255 and `high` 0.
 * @returns [n] uint8.
 */
export function applyRange(values: ArrayLike<number>, range: ValueRange, inverted = false): Uint8Array {
  const flip = inverted ? 255 : 0;
  const level = (value: number) => levelOf(value, range) ^ flip;
  if (values instanceof Uint16Array && values.length > TABLE_LENGTH)
    return lookUp(values, tableOf(range, inverted, level));
  const output = new Uint8Array(values.length);
  for (let i = 0; i < output.length; i++) output[i] = level(values[i] as number);
  return output;
}

/** All values of 16 bits. */
const TABLE_LENGTH = 2 ** 16;

/** The last tables: all strips of an image, and most images of a source, have one range. */
const tables = new Map<string, Uint8Array>();
const CACHED_TABLES = 8;

function tableOf({ low, high }: ValueRange, inverted: boolean, level: (value: number) => number): Uint8Array {
  const key = `${low} ${high} ${inverted}`;
  const known = tables.get(key);
  if (known) return known;
  const table = new Uint8Array(TABLE_LENGTH);
  for (let value = 0; value < TABLE_LENGTH; value++) table[value] = level(value);
  if (tables.size >= CACHED_TABLES) tables.clear();
  tables.set(key, table);
  return table;
}

/** Faster than a division per sample. A function of its own is compiled for these types only. */
function lookUp(values: Uint16Array, table: Uint8Array): Uint8Array {
  const output = new Uint8Array(values.length);
  for (let i = 0; i < output.length; i++) output[i] = table[values[i] as number] as number;
  return output;
}

function levelOf(value: number, { low, high }: ValueRange): number {
  if (value <= low) return 0;
  // A range without width is a threshold: no value lies within it.
  return value >= high ? 255 : Math.floor(((value - low) * 255) / (high - low) + 0.5);
}
