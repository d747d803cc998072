/** Trainings that differ in their seed only: their mean, and how far they lie apart. */

/** Values of the metric of trainings with the same settings. */
export interface Repeats {
  values: number[];
  mean: number;
  /** Standard deviation over seeds; null for one run. */
  spread: number | null;
}

export function summarize(values: number[]): Repeats {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = squaresAround(values, mean);
  return { values, mean, spread: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null };
}

/** Standard deviation over seeds, over all groups together; null when no group has two runs. */
export function pooledSpread(groups: readonly Repeats[]): number | null {
  const freedom = freedomOf(groups);
  const squares = groups.reduce((sum, { values, mean }) => sum + squaresAround(values, mean), 0);
  return freedom > 0 ? Math.sqrt(squares / freedom) : null;
}

/** Degrees of freedom of {@link pooledSpread}. */
export function freedomOf(groups: readonly Repeats[]): number {
  return groups.reduce((sum, { values }) => sum + values.length - 1, 0);
}

function squaresAround(values: readonly number[], mean: number): number {
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

/** A value in text. */
export function figures(value: number): string {
  return String(Number(value.toPrecision(3)));
}
