/** Reads the header of a TIFF file: what its samples are. */
import sharp, { type Metadata } from 'sharp';
import { ImageError } from '../../core/errors.js';
import { describeDecodeError } from './decode-error.js';
import type { Inspection, Samples } from './inspection.js';

/** Samples that are not decoded, by libvips's name. */
const DEPTHS: Record<string, string> = {
  char: '8-bit signed',
  short: '16-bit signed',
  uint: '32-bit integer',
  int: '32-bit integer',
  float: '32-bit floating-point',
  double: '64-bit floating-point',
  complex: 'complex',
  dpcomplex: 'complex',
};

/** @throws ImageError when the header is damaged, or the samples are of a kind not decoded. */
export async function inspectTiff(file: Uint8Array, where?: string): Promise<Inspection> {
  const metadata = await sharp(file, { limitInputPixels: false, failOn: 'none', pages: 1 })
    .metadata()
    .catch((error: unknown) => {
      throw describeDecodeError(error, where);
    });
  const { width, height } = metadata;
  return {
    format: 'tiff',
    bytes: file,
    notes: [],
    width,
    height,
    samples: samplesOf(metadata, where),
    hasAlpha: true,
    hasExif: true,
    isWhole: false,
  };
}

function samplesOf({ space, depth }: Metadata, where: string | undefined): Samples {
  const isDeep = depth === 'ushort';
  if (depth !== 'uchar' && !isDeep)
    throw new ImageError({
      what: `has ${DEPTHS[depth ?? ''] ?? 'unknown'} samples, which are not supported`,
      where,
      hint: 'Convert it to 8 or 16 bits per sample.',
    });
  if (space === 'b-w' || space === 'grey16') return { space: 'gray', bits: isDeep ? 16 : 8 };
  if (space === 'srgb' || space === 'rgb16' || space === 'rgb')
    return { space: 'rgb', bits: isDeep ? 16 : 8 };
  if (space === 'cmyk' && !isDeep) return { space: 'cmyk', bits: 8 };
  throw new ImageError({
    what: `has ${space?.toUpperCase() ?? 'unknown'} colors, which are not supported`,
    where,
    hint: 'Convert it to gray or RGB.',
  });
}
