/** A function y = f(t), sampled once and interpolated for every pixel. */

const LIMIT = 2;
const STEP = 1 / 256;
const COUNT = (2 * LIMIT) / STEP + 1;

/** Functions of knee space on -2...2; beyond this range, the value at the end is used. */
export class Curve {
  readonly #values = new Float32Array(COUNT);

  constructor(f: (t: number) => number) {
    for (let i = 0; i < COUNT; i++) this.#values[i] = f(-LIMIT + i * STEP);
  }

  /** Value at t by linear interpolation. */
  at(t: number): number {
    const position = Math.min(Math.max((t + LIMIT) / STEP, 0), COUNT - 1.001);
    const i = position | 0;
    const left = this.#values[i] as number;
    return left + ((this.#values[i + 1] as number) - left) * (position - i);
  }
}
