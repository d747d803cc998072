/**
 * The one seeded random source on the JavaScript side: counter-based, so a cursor is its whole
 * state.
 */
import { createHash } from 'node:crypto';

/**
 * A stream of random numbers that is a pure function of (seed, stream name, position). The position
 * can be saved and restored, so a resumed run draws the same numbers as an uninterrupted one.
 * Generator: SplitMix64 (Steele et al. 2014, "Fast splittable pseudorandom number generators",
 * figure 17) on a key taken from SHA-256 of seed and stream name.
 */
export class RandomStream {
  readonly #key: bigint;
  position: bigint;

  constructor(seed: number, stream: string, position: bigint | number = 0n) {
    this.#key = createHash('sha256').update(`${seed}\0${stream}`).digest().readBigUInt64LE(0);
    this.position = BigInt(position);
  }

  /** 64 random bits. */
  next(): bigint {
    this.position += 1n;
    return splitMix64(BigInt.asUintN(64, this.#key + this.position * 0x9e3779b97f4a7c15n));
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return Number(this.next() >> 11n) / 2 ** 53;
  }

  /** Uniform integer in 0...n-1. */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (Box and Muller 1958); draws two uniforms a call. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** The items in random order (Fisher and Yates); the input is left as it is. */
  shuffle<T>(items: readonly T[]): T[] {
    const out = items.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}

function splitMix64(z0: bigint): bigint {
  let z = z0;
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}
