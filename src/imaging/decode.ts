/**
 * Opens image files: checks what may be decoded, applies the orientation, and converts to 8-bit
 * gray or RGB.
 */
import sharp, { type Metadata, type Sharp } from 'sharp';
import { ImageError } from '../core/errors.js';
import { sniffFormat } from './format.js';

/** Images with more pixels are rejected by their header, before anything is decoded. */
export const MAX_PIXELS = 100_000_000;

/** An image that passed the checks and is not decoded yet. */
export interface OpenedImage {
  /** Upright, 8 bits, without alpha, gray or sRGB. Decoding starts when the output is requested. */
  pipeline: Sharp;
  /** Size after orientation, in pixels. */
  width: number;
  height: number;
  /** Channels of the pipeline's output: 1 when the file is gray, otherwise 3. */
  channels: 1 | 3;
}

// Many small images are decoded concurrently: one thread per image is faster than several threads
// per image. No image is read twice, so a cache does not help.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Opens a JPEG, PNG, TIFF or WebP file. Only the first page or frame is used. EXIF orientation is
 * applied, alpha is composited on black, palettes and CMYK become RGB, and 16-bit samples keep
 * their upper 8 bits (0...65535 becomes 0...255).
 *
 * @param where name of the file, for errors.
 * @throws ImageError for another format, a corrupt header, too many pixels, or samples that are
 *   neither 8-bit nor 16-bit integers.
 */
export async function openImage(bytes: Uint8Array, where?: string): Promise<OpenedImage> {
  requireFormat(bytes, where);
  const metadata = await readHeader(bytes, where);
  requireSize(metadata, where);
  if (metadata.depth !== 'uchar' && metadata.depth !== 'ushort') {
    throw new ImageError({
      what: `has ${metadata.depth ?? 'unknown'} samples`,
      where,
      hint: 'Convert it to 8 or 16 bits per sample.',
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
    sniffed.unsupported === null
      ? { what: 'is not an image (JPEG, PNG, TIFF or WebP)', where }
      : {
          what: `${sniffed.unsupported} is not available in this version`,
          where,
          hint: 'Convert it to PNG.',
        },
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

/** Replaces the decoder's message, which may contain parts of the file, with a fixed reason. */
export function describeDecodeError(error: unknown, where: string | undefined): unknown {
  if (error instanceof ImageError || !(error instanceof Error)) return error;
  const isTruncated =
    /premature|truncat|end of (file|input|stream|image)|unexpected end|not enough|eof|read error/i.test(
      error.message,
    );
  return new ImageError({ what: isTruncated ? 'is truncated' : 'is corrupt', where });
}
