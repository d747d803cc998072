/** Bounds concurrent work: by the number of items, and by their weight. */

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

/** Runs work of a weight when there is space for it. */
export interface WorkLimit {
  run<T>(weight: number, work: () => Promise<T>): Promise<T>;
}

/** Limits the sum of the weights of concurrent work. Work starts in the order of the calls. */
export class WeightedLimit implements WorkLimit {
  readonly #total: number;
  #used = 0;
  #running = 0;
  readonly #waiting: { weight: number; start: () => void }[] = [];

  constructor(total: number) {
    this.#total = total;
  }

  /** Runs work when its weight fits. Work that is heavier than the limit runs alone. */
  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      this.#waiting.push({ weight, start });
      this.#startWaiting();
    });
    try {
      return await work();
    } finally {
      this.#used -= weight;
      this.#running--;
      this.#startWaiting();
    }
  }

  #startWaiting(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#running > 0 && this.#used + next.weight > this.#total) return;
      this.#waiting.shift();
      this.#used += next.weight;
      this.#running++;
      next.start();
    }
  }
}
