/** Faults of generated X-rays, planted into real images. */
import type { RandomStream } from '../../src/core/random.js';

export type Fault = (pixels: Uint8Array, side: number, random: RandomStream, other: Uint8Array) => Uint8Array;

export const FAULTS = {
  /** The bones below the joint line are displaced, as if two knees were joined. */
  'improper joint': (pixels, side, random) => {
    const by = side * (0.08 + 0.04 * random.uniform()) * (random.uniform() < 0.5 ? -1 : 1);
    return warped(pixels, side, (x, y) => [x + by * sigmoid((y - 0.5 * side) / (0.015 * side)), y]);
  },
  /** Bones bend to one side and back. */
  'curved bones': (pixels, side, random) => {
    const by = side * (0.05 + 0.03 * random.uniform()) * (random.uniform() < 0.5 ? -1 : 1);
    return warped(pixels, side, (x, y) => [x + by * Math.cos((3 * Math.PI * y) / side), y]);
  },
  /** The image is drawn in at one border, in waves. */
  'warped border': (pixels, side, random) => {
    const phase = 2 * Math.PI * random.uniform();
    const reach = 0.1 * side;
    return warped(
      pixels,
      side,
      (x, y) => {
        const near = Math.max(0, 1 - Math.min(y, side - 1 - y) / reach);
        return [
          x,
          y + Math.sign(y - side / 2) * near * reach * (0.9 + 0.6 * Math.sin((12 * x) / side + phase)),
        ];
      },
      0,
    );
  },
  /** At one side another X-ray begins. */
  'start of another X-ray': (pixels, side, random, other) => {
    const width = Math.round(side * (0.08 + 0.05 * random.uniform()));
    return pixels.map((value, i) => {
      const [row, column] = [Math.floor(i / side), i % side];
      if (column < side - width) return value;
      if (column === side - width) return 0;
      return other[row * side + column - side + width + Math.round(0.3 * side)] as number;
    });
  },
  blur: (pixels, side) => smoothed(smoothed(pixels, side), side),
  checkerboard: (pixels, side) =>
    pixels.map((value, i) => clamp(value + ((Math.floor(i / side) + i) % 2 === 0 ? 4 : -4))),
  saturation: (pixels) => pixels.map((value) => clamp(1.5 * value)),
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

function sigmoid(t: number): number {
  return 1 / (1 + Math.exp(-t));
}

function clamp(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}

/** @param outside value beyond the image; none: its border goes on */
function warped(
  pixels: Uint8Array,
  side: number,
  from: (x: number, y: number) => [number, number],
  outside?: number,
): Uint8Array {
  return pixels.map((_, i) => {
    const [x, y] = from(i % side, Math.floor(i / side));
    if (outside !== undefined && (x < 0 || y < 0 || x > side - 1 || y > side - 1)) return outside;
    const [cx, cy] = [x, y].map((v) => Math.min(side - 1.001, Math.max(0, v))) as [number, number];
    const [left, top] = [Math.floor(cx), Math.floor(cy)];
    const at = (dx: number, dy: number) => pixels[(top + dy) * side + left + dx] as number;
    const [u, v] = [cx - left, cy - top];
    return clamp((1 - v) * ((1 - u) * at(0, 0) + u * at(1, 0)) + v * ((1 - u) * at(0, 1) + u * at(1, 1)));
  });
}

/** [1 2 1]/4 in both directions. */
function smoothed(pixels: Uint8Array, side: number): Uint8Array {
  const along = (values: ArrayLike<number>, stride: number) =>
    Float32Array.from({ length: values.length }, (_, i) => {
      const position = stride === 1 ? i % side : Math.floor(i / side);
      const before = position > 0 ? i - stride : i;
      const after = position < side - 1 ? i + stride : i;
      return ((values[before] as number) + 2 * (values[i] as number) + (values[after] as number)) / 4;
    });
  return Uint8Array.from(along(along(pixels, 1), side), clamp);
}
