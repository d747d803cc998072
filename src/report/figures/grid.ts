/**
 * Draws a grid of images of one size. Small ones are enlarged by an integer factor so that details
 * are visible, large ones are made smaller; gray values stay as they are.
 */
import sharp from 'sharp';

/** Minimum cell size in pixels; smaller images are enlarged. */
const MIN_CELL = 96;
/** Maximum cell size: the page shows three of them in half of its width. */
const MAX_CELL = 512;
const GAP = 2;
const BACKGROUND = { r: 16, g: 18, b: 24 };

/**
 * @param pngs images of one size
 * @returns one PNG with `columns` columns; null when there are no images
 */
export async function grid(
  pngs: readonly Uint8Array[],
  columns: number,
  minCell = MIN_CELL,
): Promise<Uint8Array | null> {
  const first = pngs[0];
  if (!first) return null;
  const { width = 1 } = await sharp(first).metadata();
  const cell = Math.min(MAX_CELL, width * Math.max(1, Math.ceil(minCell / width)));
  const rows = Math.ceil(pngs.length / columns);
  const filledColumns = Math.min(columns, pngs.length);
  const composite = await Promise.all(
    pngs.map(async (png, i) => ({
      input: await sharp(png)
        .resize(cell, cell, { kernel: cell < width ? 'lanczos3' : 'nearest' })
        .toColourspace('srgb')
        .png()
        .toBuffer(),
      left: (i % columns) * (cell + GAP),
      top: Math.floor(i / columns) * (cell + GAP),
    })),
  );
  const canvas = {
    width: filledColumns * (cell + GAP) - GAP,
    height: rows * (cell + GAP) - GAP,
    channels: 3,
    background: BACKGROUND,
  } as const;
  return sharp({ create: canvas }).composite(composite).removeAlpha().png().toBuffer();
}
