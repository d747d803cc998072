/** Small scalar functions from which all shapes are built. */

/** 0 below a, 1 above b, smooth between (cubic Hermite). */
export function smoothstep(a: number, b: number, t: number): number {
  const u = Math.min(Math.max((t - a) / (b - a), 0), 1);
  return u * u * (3 - 2 * u);
}

/** A bump of height 1 at t = 0 and of the given half-width; exactly 0 beyond twice that. */
export function bump(t: number, halfWidth: number): number {
  const u = 1 - (t * t) / (4 * halfWidth * halfWidth);
  return u > 0 ? u * u : 0;
}

/** The larger of two signed distances with the corner rounded by k (intersection of shapes). */
export function smoothMax(a: number, b: number, k: number): number {
  const h = Math.max(k - Math.abs(a - b), 0) / k;
  return Math.max(a, b) + (h * h * k) / 4;
}
