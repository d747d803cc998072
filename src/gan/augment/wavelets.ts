/** Low-pass filters of orthogonal wavelets, and their filter bank. */

/**
 * Symlet with six vanishing moments: Daubechies 1992, "Ten lectures on wavelets", table 6.3. Sum
 * sqrt(2); orthonormal to its own translations by two.
 */
export const SYM6: readonly number[] = [
  0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
  0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
  0.0017677118642428036, -0.007800708325034148,
];

const ROOT3 = Math.sqrt(3);

/** Symlet with two vanishing moments: the Daubechies wavelet of four taps. */
export const SYM2: readonly number[] = [1 + ROOT3, 3 + ROOT3, 3 - ROOT3, 1 - ROOT3].map(
  (tap) => tap / (4 * Math.SQRT2),
);

/**
 * Center of mass of a filter, in taps from the first: with six vanishing moments, its delay of
 * linear signals.
 */
export function centerOf(taps: readonly number[]): number {
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.reduce((total, tap, k) => total + k * tap, 0) / sum;
}

/**
 * Four symmetric filters of equal length whose sum is the identity, one each for the frequencies
 * 0...pi/8, pi/8...pi/4, pi/4...pi/2 and pi/2...pi. Karras et al. 2020 (ADA), appendix B: the
 * octaves of the wavelet transform, with the zero-phase filters H(z) H(1/z) / 2.
 */
export function filterBank(taps: readonly number[]): number[][] {
  const low = autocorrelation(taps);
  const high = low.map((tap, k) => (isCenter(k, low) ? 1 : 0) - tap);
  let bands: number[][] = [low, high];
  // Splits the lowest band: applies the transform at half the rate, after the low-pass filter.
  while (bands.length < 4) bands = [...split(bands, low), high];
  const longest = Math.max(...bands.map((band) => band.length));
  return bands.map((band) => zeroPadded(band, longest));
}

/** The bands at half the rate, of the signal that `low` passes. */
function split(bands: number[][], low: readonly number[]): number[][] {
  return bands.map((band) => convolve(zeroInserted(band), low));
}

/** H(z) H(1/z) / 2 */
function autocorrelation(taps: readonly number[]): number[] {
  return convolve(taps, taps.toReversed()).map((tap) => tap / 2);
}

function isCenter(index: number, taps: readonly number[]): boolean {
  return index === (taps.length - 1) / 2;
}

/** A zero between every two taps (zero insertion). */
function zeroInserted(taps: readonly number[]): number[] {
  return taps.flatMap((tap, k) => (k === 0 ? [tap] : [0, tap]));
}

function convolve(a: readonly number[], b: readonly number[]): number[] {
  const result = new Array<number>(a.length + b.length - 1).fill(0);
  a.forEach((x, i) => {
    b.forEach((y, j) => {
      result[i + j] = (result[i + j] as number) + x * y;
    });
  });
  return result;
}

/** Zeros on both sides, to a length. */
function zeroPadded(taps: readonly number[], length: number): number[] {
  const zeros = new Array<number>((length - taps.length) / 2).fill(0);
  return [...zeros, ...taps, ...zeros];
}
