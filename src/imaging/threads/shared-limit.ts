/** Limits the sum of the weights of work in all threads of a pool. Work starts in turn. */
import type { WorkLimit } from '../in-flight.js';

/** Places in the shared memory. */
const [TURN, NEXT_TURN, USED, RUNNING, CHANGES] = [0, 1, 2, 3, 4];
const WORDS = 5;
/** Unit of weights, so that a sum fits into a word. */
const UNIT_BYTES = 2 ** 10;

export function sharedLimitMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * A thread that waits is blocked, so it must do one piece of work at a time. Work that is heavier
 * than the limit runs alone.
 */
export class SharedLimit implements WorkLimit {
  readonly #words: Int32Array;
  readonly #total: number;

  /** @param total in bytes */
  constructor(memory: SharedArrayBuffer, total: number) {
    this.#words = new Int32Array(memory);
    this.#total = Math.ceil(total / UNIT_BYTES);
  }

  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
    const units = Math.ceil(weight / UNIT_BYTES);
    this.#take(units);
    try {
      return await work();
    } finally {
      Atomics.sub(this.#words, USED, units);
      Atomics.sub(this.#words, RUNNING, 1);
      this.#announce();
    }
  }

  /** Only the thread whose turn it is adds to the sum; others only subtract from it. */
  #take(units: number): void {
    const words = this.#words;
    const turn = Atomics.add(words, NEXT_TURN, 1);
    for (;;) {
      const seen = Atomics.load(words, CHANGES);
      const isAlone = Atomics.load(words, RUNNING) === 0;
      const fits = isAlone || Atomics.load(words, USED) + units <= this.#total;
      if (Atomics.load(words, TURN) === turn && fits) break;
      Atomics.wait(words, CHANGES, seen);
    }
    Atomics.add(words, USED, units);
    Atomics.add(words, RUNNING, 1);
    Atomics.add(words, TURN, 1);
    this.#announce();
  }

  #announce(): void {
    Atomics.add(this.#words, CHANGES, 1);
    Atomics.notify(this.#words, CHANGES);
  }
}
