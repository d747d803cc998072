/** Work on numbered shards, a bounded number of them at a time. */

/**
 * Calls `work(i)` for every i in from...to-1 in order, at most `width` at once.
 * The first failure is thrown once no work is in progress, so that no shard is left half-scheduled.
 */
export async function slidingWindow(
  range: { from: number; to: number },
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = range.from;
  let failure: { error: unknown } | undefined;
  const lane = async () => {
    while (next < range.to && !failure) {
      const index = next++;
      await work(index).catch((error: unknown) => {
        failure ??= { error };
      });
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failure) throw failure.error;
}
