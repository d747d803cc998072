/** The taps of a Lanczos filter: which samples of a line give each output sample. */

/** Lobes of the filter on each side. */
const LOBES = 3;

/** Taps of every output sample of a line. */
export interface Taps {
  /** Index of the first input sample of each output sample. */
  firsts: Int32Array;
  /** Weights of consecutive input samples, which sum to 1. */
  weights: Float64Array[];
}

/**
 * Antialiased Lanczos resampling about the center (Duchon 1979): the filter is stretched by the
 * scale when the line becomes shorter. Taps outside of the line are left out and the others
 * normalized, as in Pillow.
 *
 * @param from length of the line in samples.
 * @param to length of the resampled line.
 */
export function lanczosTaps(from: number, to: number): Taps {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = LOBES * stretch;
  const firsts = new Int32Array(to);
  const weights: Float64Array[] = [];
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const values = new Float64Array(end - first);
    let sum = 0;
    for (let j = 0; j < values.length; j++) {
      const value = lanczos((first + j - center + 0.5) / stretch);
      values[j] = value;
      sum += value;
    }
    firsts[i] = first;
    weights.push(values.map((value) => value / sum));
  }
  return { firsts, weights };
}

/** sinc(x) sinc(x / 3), with sin(3a) = 3 sin(a) - 4 sin(a)^3, so that there is one sine. */
function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const angle = (Math.PI * x) / LOBES;
  const sine = Math.sin(angle);
  return (sine * sine * (3 - 4 * sine * sine)) / (LOBES * angle * angle);
}
