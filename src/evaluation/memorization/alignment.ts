/**
 * Aligns two images by shift and reflection, from coarse to fine, and measures how much they differ
 * then.
 */
import { mirrored, type Plane, reduced } from '../analyses/plane.js';
import { type ComparedImage, SSIM_SIDE, ssim } from '../metrics/ssim.js';

/** Sides at which the shift is searched and refined. */
const LEVELS = [16, 32, 64];
/** Largest shift: an eighth of the side. */
const REACH = 8;

export interface Alignment {
  /** Square root of one minus the correlation: 0 for an equal image, at any exposure. */
  distance: number;
  isMirrored: boolean;
  /** At the finest level: `b` is moved by this much. */
  shift: { x: number; y: number };
}

/** An image at all levels, the coarsest first. */
export type Pyramid = Plane[];

export function pyramidOf(plane: Plane): Pyramid {
  const sides = LEVELS.filter((side) => side < plane.side);
  return [...sides.map((side) => reduced(plane, side)), plane];
}

export function mirroredPyramid(pyramid: Pyramid): Pyramid {
  return pyramid.map(mirrored);
}

/**
 * @param a and its reflection
 * @param b of the same size
 */
export function align(a: Pyramid, reflection: Pyramid, b: Pyramid): Alignment {
  const [plain, reflected] = [bestShift(a, b), bestShift(reflection, b)];
  const isMirrored = reflected.distance < plain.distance;
  return { ...(isMirrored ? reflected : plain), isMirrored };
}

function bestShift(a: Pyramid, b: Pyramid): Pick<Alignment, 'distance' | 'shift'> {
  let best = { distance: Number.POSITIVE_INFINITY, shift: { x: 0, y: 0 } };
  for (const [level, plane] of a.entries()) {
    const other = b[level] as Plane;
    const before = level === 0 ? plane.side : (a[level - 1] as Plane).side;
    const scale = plane.side / before;
    const reach = level === 0 ? Math.floor(plane.side / REACH) : 1;
    const from = { x: Math.round(best.shift.x * scale), y: Math.round(best.shift.y * scale) };
    best = { distance: Number.POSITIVE_INFINITY, shift: from };
    for (let y = from.y - reach; y <= from.y + reach; y++)
      for (let x = from.x - reach; x <= from.x + reach; x++) {
        const distance = distanceAt(plane, other, x, y);
        if (distance < best.distance) best = { distance, shift: { x, y } };
      }
  }
  return best;
}

/** On the area that both cover when `b` is moved by (x, y). */
function distanceAt({ side, data: p }: Plane, { data: q }: Plane, x: number, y: number): number {
  const [left, right] = [Math.max(0, x), Math.min(side, side + x)];
  const [top, bottom] = [Math.max(0, y), Math.min(side, side + y)];
  let [sp, sq, pp, qq, pq] = [0, 0, 0, 0, 0];
  for (let row = top; row < bottom; row++) {
    let at = row * side + left;
    let other = (row - y) * side + left - x;
    for (let column = left; column < right; column++, at++, other++) {
      const [u, v] = [p[at] as number, q[other] as number];
      sp += u;
      sq += v;
      pp += u * u;
      qq += v * v;
      pq += u * v;
    }
  }
  const n = (right - left) * (bottom - top);
  const [vp, vq] = [pp - (sp * sp) / n, qq - (sq * sq) / n];
  // Constant images have no structure to compare: equal if both are constant.
  if (vp < n * 1e-3 || vq < n * 1e-3) return vp < n * 1e-3 && vq < n * 1e-3 ? 0 : 1;
  return Math.sqrt(Math.max(0, 1 - (pq - (sp * sq) / n) / Math.sqrt(vp * vq)));
}

/** SSIM is compared at this side: at a larger one it takes longer than everything else. */
const SSIM_LEVEL = 32;

/**
 * One minus SSIM of the largest square that both cover, at 32 pixels a side; null if that is too
 * small.
 */
export function dissimilarity(a: Pyramid, b: Pyramid, { shift }: Alignment): number | null {
  const level = a.findLastIndex(({ side }, i) => i === 0 || side <= SSIM_LEVEL);
  const [p, q] = [a[level] as Plane, b[level] as Plane];
  const scale = p.side / (a.at(-1) as Plane).side;
  const [x, y] = [Math.round(shift.x * scale), Math.round(shift.y * scale)];
  const side = p.side - Math.max(Math.abs(x), Math.abs(y));
  if (side < SSIM_SIDE) return null;
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  return 1 - ssim(crop(p, left, top, side), crop(q, left - x, top - y, side));
}

function crop(plane: Plane, left: number, top: number, side: number): ComparedImage {
  const pixels = Uint8Array.from({ length: side * side }, (_, i) =>
    Math.round(plane.data[(top + Math.floor(i / side)) * plane.side + left + (i % side)] as number),
  );
  return { side, channels: 1, pixels };
}
