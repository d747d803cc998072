/** Work on numbered shards, a bounded number of them at a time. */

/**
 * Calls `work(i)` for i in from...to-1 in order, at most `width` at once, until all are done or
 * `shouldStop` returns true. The first failure is thrown once no work is in progress, so that no
 * shard is left half-scheduled.
 *
 * @returns the first index that has not been worked on; all before it are done
 */
export async function slidingWindow(
  range: { from: number; to: number; width: number },
  work: (index: number) => Promise<void>,
  shouldStop: () => boolean = () => false,
): Promise<number> {
  let next = range.from;
  let failure: { error: unknown } | undefined;
  const lane = async () => {
    while (next < range.to && !failure && !shouldStop()) {
      const index = next++;
      await work(index).catch((error: unknown) => {
        failure ??= { error };
      });
    }
  };
  await Promise.all(Array.from({ length: range.width }, lane));
  if (failure) throw failure.error;
  return next;
}
