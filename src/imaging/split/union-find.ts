/** Disjoint sets of the numbers 0...n-1. */

export class UnionFind {
  readonly #parent: Int32Array;

  constructor(size: number, parent: Int32Array = Int32Array.from({ length: size }, (_, i) => i)) {
    this.#parent = parent;
  }

  /** The least number of the set. */
  find(i: number): number {
    let root = i;
    while (this.#parent[root] !== root) root = this.#parent[root] as number;
    for (let at = i; at !== root; ) {
      const next = this.#parent[at] as number;
      this.#parent[at] = root;
      at = next;
    }
    return root;
  }

  join(a: number, b: number): void {
    const [x, y] = [this.find(a), this.find(b)];
    this.#parent[Math.max(x, y)] = Math.min(x, y);
  }

  copy(): UnionFind {
    return new UnionFind(this.#parent.length, this.#parent.slice());
  }

  /** The sets of at least two numbers. */
  sets(): number[][] {
    const sets = new Map<number, number[]>();
    for (let i = 0; i < this.#parent.length; i++) {
      const root = this.find(i);
      if (root === i) continue;
      const set = sets.get(root);
      if (set) set.push(i);
      else sets.set(root, [root, i]);
    }
    return [...sets.values()];
  }

  /** The least number of each number's set. */
  roots(): Int32Array {
    return Int32Array.from(this.#parent, (_, i) => this.find(i));
  }
}
