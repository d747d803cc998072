/** A grid of equal images, enlarged by whole pixels so that small ones can be seen. */
import sharp from 'sharp';

/** Cells smaller than this are enlarged, in pixels. */
const MIN_CELL = 96;
const GAP = 2;
const BACKGROUND = { r: 16, g: 18, b: 24 };

/**
 * @param pngs images of one size
 * @returns one PNG, `columns` wide; null when there are none
 */
export async function grid(
  pngs: readonly Uint8Array[],
  columns: number,
  minCell = MIN_CELL,
): Promise<Uint8Array | null> {
  const first = pngs[0];
  if (!first) return null;
  const { width = 1 } = await sharp(first).metadata();
  const cell = width * Math.max(1, Math.ceil(minCell / width));
  const rows = Math.ceil(pngs.length / columns);
  const across = Math.min(columns, pngs.length);
  const composite = await Promise.all(
    pngs.map(async (png, i) => ({
      input: await sharp(png)
        .resize(cell, cell, { kernel: 'nearest' })
        .toColourspace('srgb')
        .png()
        .toBuffer(),
      left: (i % columns) * (cell + GAP),
      top: Math.floor(i / columns) * (cell + GAP),
    })),
  );
  const canvas = {
    width: across * (cell + GAP) - GAP,
    height: rows * (cell + GAP) - GAP,
    channels: 3,
    background: BACKGROUND,
  } as const;
  return sharp({ create: canvas }).composite(composite).png().toBuffer();
}
