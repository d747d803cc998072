/** Finds 64-bit hashes that differ in few bits (Norouzi et al. 2012, multi-index hashing). */

/** Four bands of 16 bits: hashes within 7 bits agree in one band but for one bit. */
const BANDS = 4;
const BAND_BITS = 16;
export const RADIUS = 7;

export class HashIndex {
  readonly #bands: Map<number, number[]>[] = Array.from({ length: BANDS }, () => new Map());
  readonly #hashes = new Map<number, readonly [number, number]>();

  /** Adds the hash of an image. */
  add(image: number, hash: readonly [number, number]): void {
    this.#hashes.set(image, hash);
    for (let band = 0; band < BANDS; band++) {
      const key = bandOf(hash, band);
      const images = this.#bands[band]?.get(key);
      if (images) images.push(image);
      else this.#bands[band]?.set(key, [image]);
    }
  }

  /** The images whose hashes are within {@link RADIUS} bits. */
  near(hash: readonly [number, number]): Set<number> {
    const found = new Set<number>();
    for (let band = 0; band < BANDS; band++) {
      const key = bandOf(hash, band);
      for (let flip = -1; flip < BAND_BITS; flip++)
        for (const image of this.#bands[band]?.get(flip < 0 ? key : key ^ (1 << flip)) ?? [])
          if (distance(hash, this.#hashes.get(image) as readonly [number, number]) <= RADIUS)
            found.add(image);
    }
    return found;
  }
}

function bandOf(hash: readonly [number, number], band: number): number {
  return ((hash[band >> 1] as number) >>> (BAND_BITS * (band & 1))) & 0xffff;
}

function distance(a: readonly [number, number], b: readonly [number, number]): number {
  return bitCount(a[0] ^ b[0]) + bitCount(a[1] ^ b[1]);
}

/** Number of ones in 32 bits (Warren 2012, "Hacker's Delight", figure 5-2). */
function bitCount(bits: number): number {
  let x = bits - ((bits >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
