/**
 * The gray levels of an image as radiomics counts them: normalized values in bins of equal width
 * (Zwanenburg et al. 2020, "The Image Biomarker Standardisation Initiative", section 2.7). The
 * settings are those of FRD version 1.
 */
import type { SquareImage } from '../extractors/input.js';

/** Values are in standard deviations of the image from its mean, times this. */
const SCALE = 100;
const BIN_WIDTH = 5;

export interface GrayImage {
  side: number;
  /** Normalized value of each pixel. */
  values: Float64Array;
  /** Index of the gray level of each pixel, among those that occur. */
  levels: Uint8Array;
  /** Gray levels that occur, ascending; the lowest bin is 1. */
  grays: number[];
  /** Number of bins. */
  bins: number;
}

export function grayImage(image: SquareImage): GrayImage {
  const { resolution: side } = image;
  const bytes = grayBytes(image);
  const normalized = normalization(bytes);
  const occurring = [...new Set(bytes)].sort((a, b) => a - b);
  const lowest = normalized[occurring[0] as number] as number;
  const first = Math.floor(lowest / BIN_WIDTH);
  const binOf = (byte: number) => Math.floor((normalized[byte] as number) / BIN_WIDTH) - first + 1;
  const grays = [...new Set(occurring.map(binOf))];
  const level = new Uint8Array(256);
  for (const byte of occurring) level[byte] = grays.indexOf(binOf(byte));
  return {
    side,
    values: Float64Array.from(bytes, (byte) => normalized[byte] as number),
    levels: bytes.map((byte) => level[byte] as number),
    grays,
    bins: grays.at(-1) as number,
  };
}

/** Luminance of ITU-R BT.601. */
function grayBytes({ channels, pixels }: SquareImage): Uint8Array {
  if (channels === 1) return pixels;
  return Uint8Array.from({ length: pixels.length / 3 }, (_, i) => {
    const [r, g, b] = [pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]] as [number, number, number];
    return Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  });
}

/** Normalized value of each byte; 0 in a constant image. */
function normalization(bytes: Uint8Array): Float64Array {
  const n = bytes.length;
  const mean = bytes.reduce((sum, value) => sum + value, 0) / n;
  const squares = bytes.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / Math.max(1, n - 1));
  return Float64Array.from({ length: 256 }, (_, byte) =>
    deviation > 0 ? (SCALE * (byte - mean)) / deviation : 0,
  );
}

/** p log2 p, with the limit 0. */
export function plogp(p: number): number {
  return p > 0 ? p * Math.log2(p) : 0;
}
