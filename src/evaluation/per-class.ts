/** Computes metrics class by class, and says which classes have too few images for it. */
import type { ClassMetrics } from '../spec/class-metrics.js';
import type { MetricName } from '../spec/metrics.js';
import { type Comparison, measurePairs } from './measure-pairs.js';
import { isComparison } from './metrics/compute.js';
import { type MeasuredImages, subsetOf } from './metrics/measured-images.js';

/** With fewer images of a class in a set, metrics say nothing about it. */
const MIN_IMAGES = 20;

/** A set and the class of each of its images. */
export interface LabeledSet {
  /** As people see it: `synthetic`. */
  name: string;
  set: MeasuredImages;
  classes: readonly string[];
}

/** Makes the comparisons of the images of one class: sets by name. */
export type CompareSets = (
  metrics: readonly MetricName[],
  sets: Readonly<Record<string, MeasuredImages>>,
) => Comparison[];

export interface PerClass {
  classes: ClassMetrics[];
  caveats: string[];
}

/**
 * Metrics of pairs of sets for each class that has enough images in two sets. With one class there
 * is nothing to tell apart.
 */
export async function measureClasses(
  metrics: readonly MetricName[],
  labeled: readonly LabeledSet[],
  compare: CompareSets,
  onStep: (done: number, total: number) => void,
): Promise<PerClass> {
  const names = [...new Set(labeled.flatMap(({ classes }) => classes))].sort();
  if (names.length < 2 || labeled.length < 2) return { classes: [], caveats: [] };
  const pairMetrics = metrics.filter(isComparison);
  const found: PerClass = { classes: [], caveats: [] };
  for (const [done, name] of names.entries()) {
    const sets = labeled.map(({ name: of, set, classes }) => {
      const indices = classes.flatMap((own, i) => (own === name ? [i] : []));
      return { of, images: indices.length, set: () => subsetOf(set, indices) };
    });
    found.caveats.push(...classCaveats(name, sets));
    const enough = sets.filter(({ images }) => images >= MIN_IMAGES);
    const own = Object.fromEntries(enough.map(({ of, set }) => [of, set()]));
    const comparisons = compare(pairMetrics, own);
    if (comparisons.length === 0) continue;
    const { values, intervals } = await measurePairs(comparisons, () => onStep(done, names.length));
    const images = Object.fromEntries(sets.map(({ of, images: count }) => [of, count]));
    found.classes.push({ class: name, images, metrics: values, intervals });
  }
  onStep(names.length, names.length);
  return found;
}

function classCaveats(name: string, sets: readonly { of: string; images: number }[]): string[] {
  const few = sets.filter(({ images }) => images > 0 && images < MIN_IMAGES);
  const missing = sets.filter(({ images }) => images === 0).map(({ of }) => `the ${of} images`);
  const caveats: string[] = [];
  if (missing.length > 0)
    caveats.push(
      `Class "${name}" is missing in ${missing.join(' and ')}: metrics of all images compare different classes, and this class has no values of its own there.`,
    );
  if (few.length > 0) {
    const counts = few.map(({ of, images }) => `${images} ${of} images`).join(' and ');
    caveats.push(
      `Class "${name}" has only ${counts}: it has no values of its own there, which need ${MIN_IMAGES} images.`,
    );
  }
  return caveats;
}
