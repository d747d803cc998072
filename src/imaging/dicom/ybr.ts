/** Converts luminance and chrominance to RGB (PS3.3 section C.7.6.3.1.2). */
import type { UnsignedSamples } from './native-pixels.js';

/**
 * YBR_FULL: full range, coefficients of ITU-R BT.601.
 *
 * @param ybr [n, 3], changed in place.
 * @param bits significant bits of a value.
 */
export function ybrToRgb<Values extends UnsignedSamples>(ybr: Values, bits: number): Values {
  const most = 2 ** bits - 1;
  const middle = 2 ** (bits - 1);
  const clip = (value: number) => Math.min(most, Math.max(0, Math.round(value)));
  for (let i = 0; i + 2 < ybr.length; i += 3) {
    const [y, b, r] = [ybr[i] as number, (ybr[i + 1] as number) - middle, (ybr[i + 2] as number) - middle];
    ybr[i] = clip(y + 1.402 * r);
    ybr[i + 1] = clip(y - 0.344136 * b - 0.714136 * r);
    ybr[i + 2] = clip(y + 1.772 * b);
  }
  return ybr;
}

/** Expands YBR_FULL_422, [n / 2, (y, y, b, r)], to [n, 3]. */
export function expand422<Values extends UnsignedSamples>(packed: Values, pixels: number): Values {
  const out = new (packed.constructor as new (length: number) => Values)(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const pair = (i >> 1) * 4;
    out[3 * i] = packed[pair + (i & 1)] as number;
    out[3 * i + 1] = packed[pair + 2] as number;
    out[3 * i + 2] = packed[pair + 3] as number;
  }
  return out;
}
