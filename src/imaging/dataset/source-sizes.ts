/** The sizes of the source images of a data set, upright and before they are cropped. */
import { z } from 'zod';

const size = z.object({ width: z.int(), height: z.int() });
type Size = z.output<typeof size>;

export const sizesSchema = z.object({
  /** Fewest and most pixels. */
  least: size,
  most: size,
  /** Images whose shorter side is below the resolution: they were enlarged. */
  enlarged: z.int(),
});
export type SourceSizes = z.output<typeof sizesSchema>;

const pixels = ({ width, height }: Size) => width * height;

/** @param resolution side of the stored images */
export function sizesOf({ width, height }: Size, resolution: number): SourceSizes {
  const own = { width, height };
  return { least: own, most: own, enlarged: Math.min(width, height) < resolution ? 1 : 0 };
}

/** The sizes of two sets of images; null has none. */
export function joinSizes(a: SourceSizes | null, b: SourceSizes | null): SourceSizes | null {
  if (!a || !b) return a ?? b;
  return {
    least: pixels(a.least) <= pixels(b.least) ? a.least : b.least,
    most: pixels(a.most) >= pixels(b.most) ? a.most : b.most,
    enlarged: a.enlarged + b.enlarged,
  };
}
