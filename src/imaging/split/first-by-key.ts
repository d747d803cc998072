/** Finds equal keys among many, without keeping the keys. */

/** 32 bits of a text (FNV-1a of Fowler, Noll and Vo, over its UTF-16 units). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

export class FirstByKey {
  readonly #hashes: Uint32Array;
  /** The number in each slot, plus one; 0 for an empty slot. */
  readonly #numbers: Uint32Array;
  readonly #keyOf: (number: number) => string;

  /**
   * @param size of the numbers, at most
   * @param keyOf the key of a number that was added
   */
  constructor(size: number, keyOf: (number: number) => string) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * size)));
    this.#hashes = new Uint32Array(slots);
    this.#numbers = new Uint32Array(slots);
    this.#keyOf = keyOf;
  }

  /** Adds a number. @returns the first that was added with this key, which may be this one */
  add(number: number, key: string): number {
    const hash = hashText(key);
    const mask = this.#numbers.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const known = (this.#numbers[slot] as number) - 1;
      if (known >= 0 && (this.#hashes[slot] !== hash || this.#keyOf(known) !== key)) continue;
      if (known >= 0) return known;
      this.#hashes[slot] = hash;
      this.#numbers[slot] = number + 1;
      return number;
    }
  }
}
