/** Assigns a class to each synthetic image: a pure function of the settings and its index. */
import { SpecError } from '../core/errors.js';
import { RandomStream } from '../core/random.js';
import type { GenerateSpec } from '../spec/generate.js';

/** A class and its number of training images. */
export interface ClassShare {
  name: string;
  images: number;
}

/**
 * `as-real`: drawn with the frequencies of the training set. `uniform`: all classes in turn. A
 * list: the listed classes in turn.
 *
 * @param classes in label order; null: the generator is unconditional.
 * @returns label of image i (0, 1, ...) of the set; null when unconditional.
 * @throws SpecError when the list names a class that the generator does not know.
 */
export function classAssignment(
  requested: GenerateSpec['classes'],
  classes: readonly ClassShare[] | null,
  seed: number,
): (image: number) => number | null {
  if (Array.isArray(requested)) {
    const labels = requested.map((name) => labelNamed(name, classes));
    return (image) => labels[image % labels.length] as number;
  }
  if (classes === null) return () => null;
  if (requested === 'uniform') return (image) => image % classes.length;
  const total = classes.reduce((sum, { images }) => sum + images, 0);
  return (image) => {
    let rest = new RandomStream(seed, 'class of a synthetic image', image).integer(total);
    return classes.findIndex(({ images }) => {
      rest -= images;
      return rest < 0;
    });
  };
}

function labelNamed(name: string, classes: readonly ClassShare[] | null): number {
  const label = classes?.findIndex((known) => known.name === name) ?? -1;
  if (label >= 0) return label;
  const known = classes
    ? `Its classes: ${classes.map((one) => `"${one.name}"`).join(', ')}.`
    : 'It was trained without classes.';
  throw new SpecError({
    what: `the generator has no class "${name}"`,
    where: 'generate.classes',
    hint: known,
  });
}
