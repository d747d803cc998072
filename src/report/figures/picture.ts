/** Pictures of a page, within a number of bytes: compressed first, then made smaller. */
import sharp from 'sharp';

export interface Picture {
  type: 'png' | 'svg';
  bytes: Uint8Array;
  /** Whether it has fewer pixels than its file, so that the page stays small. */
  isReduced?: boolean;
}

/** Below this number of bytes a picture is left as it is. */
const SMALL = 20_000;
/** Fraction of pixels that remain in each step. */
const STEP = 0.6;
const MIN_SIDE = 160;
const COMPRESSION = { compressionLevel: 8, adaptiveFiltering: true };

/** The kind of a picture by its first bytes; null: neither PNG nor SVG. */
export function pictureOf(bytes: Uint8Array): Picture | null {
  const start = Buffer.from(bytes.subarray(0, 256));
  if (start.subarray(1, 4).toString('latin1') === 'PNG') return { type: 'png', bytes };
  return /^\s*(<\?xml[^>]*>\s*)?<svg[\s>]/.test(start.toString('utf8')) ? { type: 'svg', bytes } : null;
}

/**
 * Makes pictures fit in a number of bytes together, in their order: PNG files are compressed
 * without loss, then the largest ones lose pixels.
 *
 * @returns null for a picture that does not fit at any size
 */
export async function fitPictures(pictures: readonly Picture[], budget: number): Promise<(Picture | null)[]> {
  const fitted: (Picture | null)[] = await Promise.all(pictures.map(compressed));
  const total = () => fitted.reduce((sum, picture) => sum + (picture?.bytes.length ?? 0), 0);
  while (total() > budget) {
    const largest = indexOfLargest(fitted);
    const picture = fitted[largest];
    if (!picture) break;
    fitted[largest] = await smaller(picture);
  }
  return fitted;
}

function indexOfLargest(pictures: readonly (Picture | null)[]): number {
  return pictures.reduce(
    (best, picture, i) => ((picture?.bytes.length ?? 0) > (pictures[best]?.bytes.length ?? 0) ? i : best),
    0,
  );
}

/** The same pixels in fewer bytes: one channel where all three are equal, better compression. */
async function compressed(picture: Picture): Promise<Picture> {
  if (picture.type === 'svg' || picture.bytes.length < SMALL) return picture;
  const image = sharp(picture.bytes);
  const { isOpaque } = await image.stats();
  const opaque = isOpaque ? image.clone().removeAlpha() : image;
  const gray = isOpaque && (await isGray(picture.bytes));
  const bytes = await (gray ? opaque.toColourspace('b-w') : opaque).png(COMPRESSION).toBuffer();
  return bytes.length < picture.bytes.length ? { ...picture, bytes } : picture;
}

async function isGray(bytes: Uint8Array): Promise<boolean> {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  if (info.channels < 3) return true;
  for (let i = 0; i < data.length; i += info.channels)
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  return true;
}

/** Fewer pixels; null when it would show nothing. An SVG document has no fewer. */
async function smaller(picture: Picture): Promise<Picture | null> {
  if (picture.type === 'svg') return null;
  const { width = 1, height = 1 } = await sharp(picture.bytes).metadata();
  const scale = Math.sqrt(STEP);
  if (Math.min(width, height) * scale < MIN_SIDE) return null;
  const bytes = await sharp(picture.bytes)
    .resize(Math.round(width * scale), Math.round(height * scale))
    .png(COMPRESSION)
    .toBuffer();
  return { ...picture, bytes, isReduced: true };
}
