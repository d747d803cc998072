/** Axes of drawings: ticks, and the scale from values to positions. */

/** Axis ticks that enclose a range, in steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) as number) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** @param axis its ends are the values at the positions `from` and `to` */
export function scale(axis: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [axis[0] as number, axis.at(-1) as number];
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

export function tickLabel(value: number): string {
  return Number(value.toPrecision(6)).toString();
}
