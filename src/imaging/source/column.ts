/** Values that are made when they are asked for: those of a million images are never in memory. */

/** Values by their number, from 0. Arrays are sequences, too. */
export interface Sequence<T> extends Iterable<T> {
  readonly length: number;
  /** undefined beyond the ends */
  at(i: number): T | undefined;
  entries(): Iterable<[number, T]>;
  some(test: (value: T, i: number) => boolean): boolean;
  every(test: (value: T, i: number) => boolean): boolean;
}

export class Column<T> implements Sequence<T> {
  readonly length: number;
  readonly #valueAt: (i: number) => T;

  constructor(length: number, valueAt: (i: number) => T) {
    this.length = length;
    this.#valueAt = valueAt;
  }

  /** The values of a sequence at these places. */
  static pick<T>(values: Sequence<T>, places: ArrayLike<number>): Column<T> {
    return new Column(places.length, (i) => values.at(places[i] as number) as T);
  }

  /** The results of a function, which is called again each time a value is asked for. */
  static map<T, U>(values: Sequence<T>, make: (value: T, i: number) => U): Column<U> {
    return new Column(values.length, (i) => make(values.at(i) as T, i));
  }

  at(i: number): T | undefined {
    return i >= 0 && i < this.length ? this.#valueAt(i) : undefined;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.length; i++) yield this.#valueAt(i);
  }

  *entries(): Generator<[number, T]> {
    for (let i = 0; i < this.length; i++) yield [i, this.#valueAt(i)];
  }

  some(test: (value: T, i: number) => boolean): boolean {
    for (let i = 0; i < this.length; i++) if (test(this.#valueAt(i), i)) return true;
    return false;
  }

  every(test: (value: T, i: number) => boolean): boolean {
    return !this.some((value, i) => !test(value, i));
  }
}
