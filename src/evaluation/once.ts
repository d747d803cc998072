/** Computes each value once. */

/** Remembers the results by key, failures too. */
export function once<Key, Value>(compute: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const known = new Map<Key, Promise<Value>>();
  return (key) => {
    const value = known.get(key) ?? compute(key);
    known.set(key, value);
    return value;
  };
}

/** Remembers the results by pairs of objects, as long as both are in use. */
export class PairCache<Key extends object, Value> {
  private readonly known = new WeakMap<Key, WeakMap<Key, Promise<Value>>>();

  get(first: Key, second: Key, compute: () => Promise<Value>): Promise<Value> {
    const row = this.known.get(first) ?? new WeakMap<Key, Promise<Value>>();
    this.known.set(first, row);
    const value = row.get(second) ?? compute();
    row.set(second, value);
    return value;
  }
}
