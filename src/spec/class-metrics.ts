/** Metrics of the images of one class. */
import type { Interval } from './analyses.js';

export interface ClassMetrics {
  /** Name of the class. */
  class: string;
  /** Number of images of the class by set. */
  images: Record<string, number>;
  /** Values and 95 % intervals by full name, as those of all images. */
  metrics: Record<string, number>;
  intervals: Record<string, Interval>;
}
