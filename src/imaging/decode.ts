/** Opening image files: what may be decoded, and how it is brought upright, to 8 bits and to gray or RGB. */
import sharp, { type Metadata, type Sharp } from 'sharp';
import { ImageError } from '../core/errors.js';
import { sniffFormat } from './format.js';

/** Images with more pixels are refused by their header, before anything is decoded. */
export const MAX_PIXELS = 100_000_000;

/** An image that may be decoded, not yet decoded. */
export interface OpenedImage {
  /** Upright, 8 bits, without alpha, gray or sRGB; decoding starts when its output is asked for. */
  pipeline: Sharp;
  /** Size after orientation, in pixels. */
  width: number;
  height: number;
  /** Channels that the pipeline gives: 1 when the file is gray, else 3. */
  channels: 1 | 3;
}

// Many small images at once: one thread each beats several threads on one, and none is read twice.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Opens a JPEG, PNG, TIFF or WebP file. Of several pages or frames the first counts. EXIF orientation is applied, alpha is laid
 * on black, palettes and CMYK become RGB, 16-bit samples keep their upper 8 bits (0...65535 becomes 0...255).
 *
 * @param where name of the file, for errors.
 * @throws ImageError for another format, a damaged header, too many pixels, or samples that are neither 8 nor 16-bit integers.
 */
export async function openImage(bytes: Uint8Array, where?: string): Promise<OpenedImage> {
  requireFormat(bytes, where);
  const metadata = await readHeader(bytes, where);
  requireSize(metadata, where);
  if (metadata.depth !== 'uchar' && metadata.depth !== 'ushort') {
    throw new ImageError({
      what: `has ${metadata.depth ?? 'unknown'} samples`,
      where,
      hint: 'Convert it to 8 or 16 bits a sample.',
    });
  }
  const isGray = metadata.space === 'b-w' || metadata.space === 'grey16';
  const isSideways = (metadata.orientation ?? 1) >= 5;
  return {
    pipeline: sharp(bytes, { failOn: 'warning', limitInputPixels: MAX_PIXELS, pages: 1 })
      .autoOrient()
      .flatten({ background: '#000000' })
      .toColourspace(isGray ? 'b-w' : 'srgb'),
    width: isSideways ? metadata.height : metadata.width,
    height: isSideways ? metadata.width : metadata.height,
    channels: isGray ? 1 : 3,
  };
}

function requireFormat(bytes: Uint8Array, where: string | undefined): void {
  if (bytes.byteLength === 0) throw new ImageError({ what: 'is an empty file', where });
  const sniffed = sniffFormat(bytes);
  if ('format' in sniffed) return;
  throw new ImageError(
    sniffed.refused === null
      ? { what: 'is not an image (JPEG, PNG, TIFF or WebP)', where }
      : { what: `${sniffed.refused} is not available in this version`, where, hint: 'Convert it to PNG.' },
  );
}

async function readHeader(bytes: Uint8Array, where: string | undefined): Promise<Metadata> {
  try {
    return await sharp(bytes, { limitInputPixels: false, failOn: 'none' }).metadata();
  } catch (error) {
    throw describeDecodeError(error, where);
  }
}

function requireSize({ width, height }: Metadata, where: string | undefined): void {
  if (!width || !height) throw new ImageError({ what: 'has no pixels', where });
  if (width * height <= MAX_PIXELS) return;
  throw new ImageError({
    what: `has ${width} x ${height} pixels; at most ${MAX_PIXELS / 1e6} million are decoded`,
    where,
    hint: 'Make it smaller.',
  });
}

/** The decoder's own words may hold parts of the file; they become one of a few reasons of ours. */
export function describeDecodeError(error: unknown, where: string | undefined): unknown {
  if (error instanceof ImageError || !(error instanceof Error)) return error;
  const isShort =
    /premature|truncat|end of (file|input|stream|image)|unexpected end|not enough|eof|read error/i.test(
      error.message,
    );
  return new ImageError({ what: isShort ? 'is cut short' : 'is damaged', where });
}
