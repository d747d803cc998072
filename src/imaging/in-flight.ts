/** Working on a few items at once while results come in order. */

/**
 * The results of `work` in the order of the items, with at most `width` items begun and not yet yielded, so that memory stays
 * flat. After a failure or an abort nothing new is begun, and what was begun is waited for.
 */
export async function* mapInOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  width: number,
  work: (item: Item) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      signal?.throwIfAborted();
      const result = work(item);
      // Its failure is told when its turn comes; until then it must not count as unhandled.
      result.catch(() => undefined);
      begun.push(result);
      if (begun.length >= width) yield await (begun.shift() as Promise<Result>);
    }
    while (begun.length > 0) {
      signal?.throwIfAborted();
      yield await (begun.shift() as Promise<Result>);
    }
  } finally {
    await Promise.allSettled(begun);
  }
}
