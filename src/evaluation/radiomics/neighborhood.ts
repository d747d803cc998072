/**
 * Texture by the difference of pixels to the mean of their neighbors: the neighborhood gray tone
 * difference matrix (Amadasun and King 1989; IBSI, section 3.9).
 */
import type { GrayImage } from './gray-levels.js';
import { around } from './runs-and-zones.js';

/** Coarseness of an image without differences. */
const COARSEST = 1e6;

export function neighborhoodFeatures({ side, levels, grays }: GrayImage): Record<string, number> {
  const n = grays.length;
  const pixels = levels.length;
  const share = new Float64Array(n);
  const difference = new Float64Array(n);
  for (let at = 0; at < pixels; at++) {
    const level = levels[at] as number;
    const near = around(at, side);
    const mean =
      near.reduce((sum, other) => sum + (grays[levels[other] as number] as number), 0) / near.length;
    share[level] = (share[level] as number) + 1 / pixels;
    difference[level] = (difference[level] as number) + Math.abs((grays[level] as number) - mean);
  }
  let [weighted, all] = [0, 0];
  for (let i = 0; i < n; i++) {
    weighted += (share[i] as number) * (difference[i] as number);
    all += difference[i] as number;
  }
  let [contrast, busyness, complexity, strength] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [a, p, s] = [grays[i], share[i], difference[i]] as [number, number, number];
    for (let j = 0; j < n; j++) {
      const [b, q, t] = [grays[j], share[j], difference[j]] as [number, number, number];
      contrast += p * q * (a - b) ** 2;
      busyness += Math.abs(a * p - b * q);
      complexity += (Math.abs(a - b) * (p * s + q * t)) / (p + q);
      strength += (p + q) * (a - b) ** 2;
    }
  }
  return {
    Busyness: busyness > 0 ? weighted / busyness : 0,
    Coarseness: weighted > 0 ? 1 / weighted : COARSEST,
    Complexity: complexity / pixels,
    Contrast: n > 1 ? ((contrast / (n * (n - 1))) * all) / pixels : 0,
    Strength: all > 0 ? strength / all : 0,
  };
}
