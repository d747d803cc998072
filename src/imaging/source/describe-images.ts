/** Formats and sizes of the images of a source, from their headers. */
import type { OnProgress } from '../../core/progress.js';
import { ImageError } from '../../core/errors.js';
import { withImage } from '../pixels/decode.js';
import { sniffFormat } from '../pixels/format.js';
import { withBytes } from './bounded-read.js';
import type { Sequence } from './column.js';
import type { ImageSource, SourceImage } from './image-source.js';
import { mapInOrder } from '../in-flight.js';

export interface ImageDescription {
  bytes: number;
  /** Most frequent first. */
  formats: { format: string; images: number }[];
  /** Width x height of the smallest, the middle and the largest image; null when none opens. */
  sizes: { least: string; median: string; most: string } | null;
}

/** Number of images whose headers are read: a sample of a large source, evenly spaced. */
const SAMPLE = 2000;
const CONCURRENT_IMAGES = 8;

export async function describeImages(
  source: ImageSource,
  images: Sequence<SourceImage>,
  { onProgress }: { onProgress?: OnProgress } = {},
): Promise<ImageDescription> {
  const step = Math.max(1, images.length / SAMPLE);
  const count = Math.min(images.length, SAMPLE);
  const sample = Array.from({ length: count }, (_, i) => images.at(Math.floor(i * step)) as SourceImage);
  let bytes = 0;
  for (const image of images) bytes += image.bytes;
  const formats = new Map<string, number>();
  const sizes: { pixels: number; text: string }[] = [];
  const look = (image: SourceImage) => withBytes(source, image, describe);
  let done = 0;
  for await (const { format, size } of mapInOrder(sample, CONCURRENT_IMAGES, look)) {
    formats.set(format, (formats.get(format) ?? 0) + 1);
    if (size) sizes.push(size);
    done++;
    onProgress?.({ done, total: count, unit: 'headers read' });
  }
  sizes.sort((a, b) => a.pixels - b.pixels);
  const at = (part: number) => sizes[Math.floor(part * (sizes.length - 1))]?.text as string;
  return {
    bytes,
    formats: [...formats].map(([format, images]) => ({ format, images })).sort((a, b) => b.images - a.images),
    sizes: sizes.length > 0 ? { least: at(0), median: at(0.5), most: at(1) } : null,
  };
}

async function describe(
  bytes: Uint8Array,
): Promise<{ format: string; size?: { pixels: number; text: string } }> {
  const sniffed = sniffFormat(bytes);
  if (!('format' in sniffed)) return { format: sniffed.unsupported ?? 'unknown' };
  const format = sniffed.format.toUpperCase();
  try {
    const { width, height, channels } = await withImage(bytes, {}, async (image) => image);
    const text = `${width} x ${height}`;
    return {
      format: `${format} ${channels === 1 ? 'gray' : 'color'}`,
      size: { pixels: width * height, text },
    };
  } catch (error) {
    if (error instanceof ImageError) return { format: `${format} that cannot be opened` };
    throw error;
  }
}
