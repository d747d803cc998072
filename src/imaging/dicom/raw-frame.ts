/** A decoded frame before any interpretation of its values. */

export interface RawFrame {
  width: number;
  height: number;
  samples: number;
  /** Significant bits of a value. */
  bits: number;
  /** [height, width, samples], or [samples, height, width] when planar; not sign-extended. */
  values: Uint8Array | Uint16Array | Uint32Array;
  isPlanar: boolean;
  /** The samples are luminance and chrominance, not RGB or gray. */
  isYbr: boolean;
}
