/**
 * Low-pass filters with Kaiser windows: separable and radially symmetric. Karras et al. 2021,
 * appendix C.1; Kaiser 1974.
 */

/** The design of a filter. Frequencies are in the unit of the sampling rate. */
export interface LowPass {
  taps: number;
  cutoff: number;
  /** Width of the transition band. */
  width: number;
  rate: number;
}

/** Taps of the separable filter, of sum 1: a sinc with a Kaiser window. */
export function separableLowPass({ taps, cutoff, width, rate }: LowPass): Float32Array {
  if (taps === 1) return Float32Array.of(1);
  const window = kaiserWindow(taps, width / (rate / 2));
  const frequency = (2 * cutoff) / rate;
  return normalized(window.map((weight, n) => weight * sinc(frequency * (n - (taps - 1) / 2))));
}

/**
 * Taps of the radially symmetric filter, of sum 1, row by row: a jinc, the two-dimensional
 * equivalent of a sinc, with the outer product of a Kaiser window with itself.
 */
export function radialLowPass({ taps, cutoff, width, rate }: LowPass): Float32Array {
  const window = kaiserWindow(taps, width / (rate / 2));
  const at = (n: number) => (n - (taps - 1) / 2) / rate;
  return normalized(
    window.flatMap((vertical, i) =>
      window.map((horizontal, j) => {
        // The number of taps is even: no tap is at the center, where the formula would divide by
        // zero.
        const radius = Math.hypot(at(i), at(j));
        return (vertical * horizontal * besselJ1(2 * cutoff * Math.PI * radius)) / (Math.PI * radius);
      }),
    ),
  );
}

/** Kaiser's window for a transition band of `width` times half the sampling rate. */
function kaiserWindow(taps: number, width: number): number[] {
  const beta = kaiserBeta(2.285 * (taps - 1) * Math.PI * width + 7.95);
  return Array.from({ length: taps }, (_, n) => {
    const position = (2 * n) / (taps - 1) - 1;
    return besselI0(beta * Math.sqrt(1 - position ** 2)) / besselI0(beta);
  });
}

/** The window's shape for an attenuation in decibels (Kaiser 1974). */
function kaiserBeta(attenuation: number): number {
  if (attenuation > 50) return 0.1102 * (attenuation - 8.7);
  if (attenuation <= 21) return 0;
  return 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21);
}

function normalized(values: number[]): Float32Array {
  const sum = values.reduce((total, value) => total + value, 0);
  return Float32Array.from(values, (value) => value / sum);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/**
 * Modified Bessel function of the first kind, order 0, by its power series (Abramowitz and Stegun
 * 1964, 9.6.12).
 */
function besselI0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * Number.EPSILON; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** Points of the trapezoidal rule, which converges exponentially on a period. */
const QUADRATURE_POINTS = 256;

/**
 * Bessel function of the first kind, order 1, by Bessel's integral (Abramowitz and Stegun 1964,
 * 9.1.21). For |x| below 100.
 */
function besselJ1(x: number): number {
  let sum = 0;
  for (let k = 0; k < QUADRATURE_POINTS; k++) {
    const angle = (2 * Math.PI * k) / QUADRATURE_POINTS;
    sum += Math.cos(angle - x * Math.sin(angle));
  }
  return sum / QUADRATURE_POINTS;
}
