/**
 * Structural similarity of two images (Wang et al. 2004), and of their reductions to half size up
 * to four times (MS-SSIM; Wang et al. 2003).
 */

/** An image [side, side, channels] of values 0...255. */
export interface ComparedImage {
  side: number;
  channels: number;
  pixels: Uint8Array;
}

/** One channel. */
interface Plane {
  side: number;
  data: Float64Array;
}

const WINDOW = 11;
const SIGMA = 1.5;
const [C1, C2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
/** Weights of the five sizes, the smallest last. */
const WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/** A side from which an image can be halved four times and still has a whole window. */
export const MS_SSIM_SIDE = (WINDOW - 1) * 2 ** (WEIGHTS.length - 1) + 1;
export const SSIM_SIDE = WINDOW;

const KERNEL = gaussian();

function gaussian(): Float64Array {
  const values = Float64Array.from({ length: WINDOW }, (_, i) =>
    Math.exp(-((i - (WINDOW - 1) / 2) ** 2) / (2 * SIGMA ** 2)),
  );
  const sum = values.reduce((a, b) => a + b);
  return values.map((value) => value / sum);
}

/** Mean over positions and channels. @throws RangeError for images smaller than the window */
export function ssim(a: ComparedImage, b: ComparedImage): number {
  checkSizes(a, b, SSIM_SIDE);
  return meanOverChannels(a, b, (x, y) => similarity(x, y).ssim);
}

/** @throws RangeError for images smaller than {@link MS_SSIM_SIDE} */
export function msSsim(a: ComparedImage, b: ComparedImage): number {
  checkSizes(a, b, MS_SSIM_SIDE);
  return meanOverChannels(a, b, (x, y) => {
    let [left, right] = [x, y];
    let product = 1;
    for (const [level, weight] of WEIGHTS.entries()) {
      const { ssim, contrast } = similarity(left, right);
      const isLast = level === WEIGHTS.length - 1;
      product *= Math.max(0, isLast ? ssim : contrast) ** weight;
      if (!isLast) [left, right] = [halved(left), halved(right)];
    }
    return product;
  });
}

function checkSizes(a: ComparedImage, b: ComparedImage, least: number): void {
  if (a.side !== b.side || a.channels !== b.channels) throw new RangeError('images of different sizes');
  if (a.side < least) throw new RangeError(`images of less than ${least} pixels a side`);
}

function meanOverChannels(
  a: ComparedImage,
  b: ComparedImage,
  compare: (x: Plane, y: Plane) => number,
): number {
  let sum = 0;
  for (let channel = 0; channel < a.channels; channel++)
    sum += compare(planeOf(a, channel), planeOf(b, channel));
  return sum / a.channels;
}

function planeOf({ side, channels, pixels }: ComparedImage, channel: number): Plane {
  const at = (i: number) => pixels[i * channels + channel] as number;
  return { side, data: Float64Array.from({ length: side * side }, (_, i) => at(i)) };
}

/** Means over all positions of the similarity, and of its factor for contrast and structure. */
function similarity(x: Plane, y: Plane): { ssim: number; contrast: number } {
  const product = (p: Plane, q: Plane): Plane => ({
    side: p.side,
    data: p.data.map((value, i) => value * (q.data[i] as number)),
  });
  const [mx, my] = [blurred(x), blurred(y)];
  const [xx, yy, xy] = [blurred(product(x, x)), blurred(product(y, y)), blurred(product(x, y))];
  let [whole, contrasts] = [0, 0];
  for (let i = 0; i < mx.length; i++) {
    const [p, q] = [mx[i] as number, my[i] as number];
    const variances = (xx[i] as number) - p * p + (yy[i] as number) - q * q;
    const contrast = (2 * ((xy[i] as number) - p * q) + C2) / (variances + C2);
    contrasts += contrast;
    whole += (contrast * (2 * p * q + C1)) / (p * p + q * q + C1);
  }
  return { ssim: whole / mx.length, contrast: contrasts / mx.length };
}

/** Weighted means of all whole windows: [side - 10, side - 10]. */
function blurred({ side, data }: Plane): Float64Array {
  const inner = side - WINDOW + 1;
  const rows = new Float64Array(side * inner);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < inner; column++) {
      let sum = 0;
      for (let k = 0; k < WINDOW; k++)
        sum += (KERNEL[k] as number) * (data[row * side + column + k] as number);
      rows[row * inner + column] = sum;
    }
  }
  const out = new Float64Array(inner * inner);
  for (let k = 0; k < WINDOW; k++) {
    const weight = KERNEL[k] as number;
    for (let i = 0; i < out.length; i++)
      out[i] = (out[i] as number) + weight * (rows[k * inner + i] as number);
  }
  return out;
}

/** Means of 2x2 pixels. Before an odd side is halved, a border of zeros is added. */
function halved({ side, data }: Plane): Plane {
  const border = side % 2;
  const size = Math.floor((side + 2 * border) / 2);
  const at = (row: number, column: number) =>
    row < 0 || column < 0 || row >= side || column >= side ? 0 : (data[row * side + column] as number);
  const out = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [top, left] = [2 * row - border, 2 * column - border];
      out[row * size + column] =
        (at(top, left) + at(top, left + 1) + at(top + 1, left) + at(top + 1, left + 1)) / 4;
    }
  }
  return { side: size, data: out };
}
