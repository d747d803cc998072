/**
 * Normal numbers of NumPy's legacy generator, from which the official StyleGAN scripts draw
 * latents.
 */

const WORDS = 624;
const OFFSET = 397;

/**
 * The generator behind `numpy.random.RandomState(seed).randn()`: MT19937 (Matsumoto and Nishimura
 * 1998, "Mersenne twister: a 623-dimensionally equidistributed uniform pseudo-random number
 * generator"; seeding of their revision of 2002), and Marsaglia and Bray's polar method (1964),
 * which gives two numbers at a time.
 */
export class LegacyNormal {
  private readonly state = new Uint32Array(WORDS);
  private next = WORDS;
  private spare: number | null = null;

  /** @param seed integer in 0...2^32 - 1 */
  constructor(seed: number) {
    this.state[0] = seed;
    for (let i = 1; i < WORDS; i++) {
      const previous = this.state[i - 1] as number;
      this.state[i] = Math.imul(1_812_433_253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** A standard normal number. */
  normal(): number {
    if (this.spare !== null) {
      const spare = this.spare;
      this.spare = null;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.spare = factor * x;
      return factor * y;
    }
  }

  /** Uniform in [0, 1), with 53 bits of two words. */
  private uniform(): number {
    const [high, low] = [this.word() >>> 5, this.word() >>> 6];
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  private word(): number {
    if (this.next === WORDS) this.twist();
    let word = this.state[this.next++] as number;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  private twist(): void {
    const { state } = this;
    for (let i = 0; i < WORDS; i++) {
      const word = ((state[i] as number) & 0x80000000) | ((state[(i + 1) % WORDS] as number) & 0x7fffffff);
      const odd = word & 1 ? 0x9908b0df : 0;
      state[i] = (state[(i + OFFSET) % WORDS] as number) ^ (word >>> 1) ^ odd;
    }
    this.next = 0;
  }
}
