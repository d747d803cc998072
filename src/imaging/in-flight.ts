/** Processes a few items concurrently and yields the results in order. */

/**
 * Calls `work` on each item and yields the results in the order of the items. At most `width` items
 * are started and not yet yielded, so memory stays constant. After a failure or an abort no new
 * item is started, and the generator waits for the started ones.
 */
export async function* mapInOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  width: number,
  work: (item: Item) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result> {
  const started: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      signal?.throwIfAborted();
      const result = work(item);
      // The error is thrown when this result is yielded; until then it must not count as unhandled.
      result.catch(() => undefined);
      started.push(result);
      if (started.length >= width) yield await (started.shift() as Promise<Result>);
    }
    while (started.length > 0) {
      signal?.throwIfAborted();
      yield await (started.shift() as Promise<Result>);
    }
  } finally {
    await Promise.allSettled(started);
  }
}
