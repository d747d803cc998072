/** Resolves a class given on the command line by name or by number. */
import { UsageError } from '../core/errors.js';
import { nearest } from '../spec/nearest.js';

/**
 * Resolves a class. Names take precedence over numbers: classes may be named 0, 1, ...
 *
 * @param names of the generator's classes, in label order; null: it has none
 * @throws UsageError when the generator has no such class
 */
export function classIndex(given: string, names: readonly string[] | null): number {
  const named = names?.indexOf(given) ?? -1;
  const index = named >= 0 || !/^\d+$/.test(given) ? named : Number(given);
  if (names && index >= 0 && index < names.length) return index;
  const meant = nearest(given, names ?? []);
  throw new UsageError({
    what: names ? `the generator has no class "${given}"` : 'the generator has no classes',
    where: '--class',
    hint: names
      ? `${meant ? `Did you mean "${meant}"? ` : ''}Its classes: ${names.map((name, label) => `${label} ${name}`).join(', ')}.`
      : 'Leave --class out.',
  });
}
