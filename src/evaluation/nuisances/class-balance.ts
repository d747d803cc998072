/** Shares of classes: how they differ, and a choice of images that equals them. */

/** Half of the sum of the differences of the shares: 0 equal, 1 no class in common. */
export function classDifference(a: Int32Array, b: Int32Array): number {
  const [p, q] = [sharesOf(a), sharesOf(b)];
  const classes = new Set([...p.keys(), ...q.keys()]);
  return [...classes].reduce((sum, c) => sum + Math.abs((p.get(c) ?? 0) - (q.get(c) ?? 0)) / 2, 0);
}

/**
 * Indices of at most `most` images with the shares of the wanted labels. Classes without images are
 * left out.
 */
export function balancedIndices(labels: Int32Array, wanted: Int32Array, most: number): Int32Array {
  const byClass = new Map<number, number[]>();
  for (const [i, label] of labels.entries()) {
    const own = byClass.get(label) ?? [];
    own.push(i);
    byClass.set(label, own);
  }
  const shares = [...sharesOf(wanted)].filter(([label]) => byClass.has(label));
  const total = shares.reduce((sum, [, share]) => sum + share, 0);
  const size = Math.min(
    most,
    ...shares.map(([label, share]) => ((byClass.get(label)?.length ?? 0) * total) / share),
  );
  return Int32Array.from(
    shares.flatMap(
      ([label, share]) => byClass.get(label)?.slice(0, Math.round((size * share) / total)) ?? [],
    ),
  );
}

/** Number of wanted classes without images. */
export function missingClasses(labels: Int32Array, wanted: Int32Array): number {
  const own = new Set(labels);
  return [...new Set(wanted)].filter((label) => !own.has(label)).length;
}

function sharesOf(labels: Int32Array): Map<number, number> {
  const shares = new Map<number, number>();
  for (const label of labels) shares.set(label, (shares.get(label) ?? 0) + 1 / labels.length);
  return shares;
}
