/** Decodes image files to 8-bit gray or RGB, to their end, and refuses what cannot be decoded. */
import { availableParallelism } from 'node:os';
import sharp, { type Sharp } from 'sharp';
import { ImageError } from '../../core/errors.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { withoutTextInRows } from './burned-in-policy.js';
import { cmykToRgb } from './color.js';
import { describeDecodeError } from './decode-error.js';
import { type DecodedImage, MAX_PIXELS, requireSize } from './decoded-image.js';
import { type DicomImage, type DicomOptions, openDicom } from '../dicom/open.js';
import { type ImageFormat, sniffFormat } from './format.js';
import { WeightedLimit, type WorkLimit } from '../in-flight.js';
import type { Inspection } from './inspection.js';
import { hasAllBlocks } from './jpeg-entropy.js';
import { inspectJpeg } from './jpeg-file.js';
import { decodePlainPng } from './plain-png.js';
import { inspectPng } from './png-file.js';
import { releasePart } from '../threads/release-memory.js';
import { decodeRaster, MEMORY_BYTES, type Raster } from './raster.js';
import { decodeSmallJpeg } from './small-jpeg.js';
import { inspectTiff } from './tiff-file.js';
import { inspectWebp } from './webp-file.js';
import { applyRange, type ValueRange } from './window.js';
import { chooseRange, DEEPEST } from './window-choice.js';

export interface OpenOptions extends Partial<Pick<PreprocessSpec, 'window' | 'strict'>> {
  /** How DICOM files are rendered. Default: their first frame and window. */
  dicom?: Pick<DicomOptions, 'frames' | 'window'>;
  privacy?: Pick<PreprocessSpec['privacy'], 'burnedIn'>;
  /**
   * Range of 16-bit samples, chosen for the whole data set. Default: what `window` gives for this
   * image alone.
   */
  range?: ValueRange;
}

// Many small images are decoded concurrently: one thread per image is faster than several threads
// per image. No image is read twice, so a cache does not help.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Memory of the images that are decoded at the same time: enough for each processor to have one of
 * some ten million pixels. A larger image is decoded alone.
 */
export const DECODING_BYTES = Math.max(64, 16 * availableParallelism()) * 2 ** 20;
let decoding: WorkLimit = new WeightedLimit(DECODING_BYTES);

/** Shares the limit with other threads. */
export function limitDecoding(limit: WorkLimit): void {
  decoding = limit;
}

/**
 * Decodes a JPEG, PNG, TIFF, WebP or DICOM file. Only the first page or frame is used. EXIF
 * orientation is applied, alpha is composited on black, and palettes and CMYK become RGB. Embedded
 * profiles are ignored at every depth: the stored values are the data. 16-bit samples are mapped to
 * 8 bits by `window`; a DICOM file has windows of its own.
 *
 * @param work uses the image, which is removed afterwards.
 * @param where name of the file, for errors.
 * @throws ImageError for another format, a damaged or truncated file, too many pixels, samples that
 *   are neither 8-bit nor 16-bit integers, and with `strict` for harmless faults. The reason
 *   contains nothing of the file.
 */
export async function withImage<T>(
  bytes: Uint8Array,
  options: OpenOptions,
  work: (image: DecodedImage) => Promise<T>,
  where?: string,
): Promise<T> {
  const format = requireFormat(bytes, where);
  if (format === 'dicom') {
    const dicom: DicomOptions = {
      frames: 'first',
      window: 'first',
      ...options.dicom,
      burnedIn: options.privacy?.burnedIn,
    };
    const file = openDicom(bytes, dicom, where);
    return decoding.run(file.memory, async () =>
      work(dicomImage(await file.decode(dicom), options.strict ?? false, where)),
    );
  }
  const inspection = await inspect(bytes, format, where);
  const burnedIn = options.privacy?.burnedIn ?? 'warn';
  const settings = { strict: options.strict ?? false, isSearched: burnedIn !== 'warn' };
  return withRaster(inspection, settings, where, async (raster, { samples, notes }) => {
    const range = samples.bits === 16 ? (options.range ?? (await rangeOf(raster, options.window))) : null;
    async function* rowsWithin(chosen: ValueRange | null) {
      for await (const strip of raster.strips()) {
        const levels = chosen ? applyRange(strip, chosen) : (strip as Uint8Array);
        yield samples.space === 'cmyk' ? cmykToRgb(levels) : levels;
        releasePart(levels.byteLength);
      }
    }
    const rows = () => rowsWithin(range);
    async function* ownRows() {
      yield* rowsWithin(range && (await ownRange(raster)));
    }
    const { width, height } = raster;
    const channels = samples.space === 'gray' ? 1 : 3;
    return work(await withoutTextInRows({ width, height, channels, notes, rows, ownRows }, burnedIn));
  });
}

function dicomImage(
  { levels, faults, notes, ...image }: DicomImage,
  strict: boolean,
  where: string | undefined,
): DecodedImage {
  if (strict) requireFaultless(faults, where);
  async function* rows() {
    yield levels;
  }
  return { ...image, notes: [...faults, ...notes], rows };
}

/**
 * About `count` samples of a 16-bit image, with its lowest and highest value, and its size.
 *
 * @returns null for 8 bits, and for DICOM, which has windows of its own.
 * @throws ImageError when it cannot be decoded.
 */
export async function sample16(
  bytes: Uint8Array,
  count: number,
): Promise<{ samples: Uint16Array; pixels: number } | null> {
  const format = requireFormat(bytes, undefined);
  if (format === 'dicom') return null;
  const inspection = await inspect(bytes, format, undefined);
  if (inspection.samples.bits !== 16) return null;
  return withRaster(inspection, { strict: false, isSearched: false }, undefined, async (raster) => ({
    samples: await sampleRaster(raster, count),
    pixels: raster.width * raster.height,
  }));
}

async function rangeOf(raster: Raster, window: PreprocessSpec['window'] = 'auto'): Promise<ValueRange> {
  return chooseRange(window, await sampleRaster(raster, 2 ** 20)).range;
}

/** What `auto` gives for the image alone, which depends on its highest value. */
async function ownRange(raster: Raster): Promise<ValueRange> {
  let highest = 0;
  for await (const strip of raster.strips()) {
    highest = Math.max(highest, extremes(strip as Uint16Array)[1]);
    if (highest >= DEEPEST) break;
  }
  return chooseRange('auto', Uint16Array.of(highest)).range;
}

async function sampleRaster(raster: Raster, count: number): Promise<Uint16Array> {
  const step = Math.ceil((raster.width * raster.height * raster.channels) / count);
  const parts: Uint16Array[] = [];
  let [low, high] = [65_535, 0];
  for await (const strip of raster.strips()) {
    const chosen = new Uint16Array(Math.ceil(strip.length / step));
    for (let i = 0; i < chosen.length; i++) chosen[i] = strip[i * step] as number;
    parts.push(chosen);
    const [least, most] = extremes(strip as Uint16Array);
    low = Math.min(low, least);
    high = Math.max(high, most);
  }
  return concatenate([Uint16Array.of(low), ...parts, Uint16Array.of(high)]);
}

function concatenate(parts: readonly Uint16Array[]): Uint16Array {
  const all = new Uint16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A function of its own is compiled for this type only, and takes a third of the time. */
function extremes(values: Uint16Array): [number, number] {
  let [low, high] = [65_535, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Decodes to samples of the stored depth, while its memory is counted. */
async function withRaster<T>(
  inspection: Inspection,
  { strict, isSearched }: { strict: boolean; isSearched: boolean },
  where: string | undefined,
  work: (raster: Raster, inspection: Inspection) => Promise<T>,
): Promise<T> {
  requireSize(inspection, where);
  if (strict) requireFaultless(inspection.notes, where);
  const decodedBytes = rasterBytes(inspection);
  // Text is searched for in the whole image.
  const searchedBytes = isSearched ? inspection.width * inspection.height : 0;
  return decoding.run(memoryBytes(inspection, decodedBytes) + searchedBytes, async () => {
    const raster = await decodeInspected(inspection, decodedBytes, where);
    try {
      const notes = [...inspection.notes, ...warningNotes(raster, inspection, where)];
      if (strict) requireFaultless(notes, where);
      return await work(raster, { ...inspection, notes });
    } finally {
      await raster.remove();
    }
  });
}

async function decodeInspected(
  inspection: Inspection,
  decodedBytes: number,
  where: string | undefined,
): Promise<Raster> {
  if (inspection.plain) return decodePlainPng(inspection.plain, where);
  const small = inspection.format === 'jpeg' ? await decodeSmallJpeg(inspection) : null;
  if (small) return small;
  try {
    return await decodeRaster(pipelineOf(inspection), inspection.samples.bits, decodedBytes);
  } catch (error) {
    throw describeDecodeError(error, where);
  }
}

async function inspect(
  bytes: Uint8Array,
  format: Exclude<ImageFormat, 'dicom'>,
  where: string | undefined,
): Promise<Inspection> {
  switch (format) {
    case 'jpeg':
      return inspectJpeg(bytes, where);
    case 'png':
      return inspectPng(bytes, where);
    case 'tiff':
      return inspectTiff(bytes, where);
    case 'webp':
      return inspectWebp(bytes, where);
  }
}

function requireFormat(bytes: Uint8Array, where: string | undefined): ImageFormat {
  if (bytes.byteLength === 0) throw new ImageError({ what: 'is an empty file', where });
  const sniffed = sniffFormat(bytes);
  if ('format' in sniffed) return sniffed.format;
  throw new ImageError(
    sniffed.unsupported === null
      ? { what: 'is not an image (JPEG, PNG, TIFF, WebP or DICOM)', where }
      : { what: `${sniffed.unsupported} is not supported`, where, hint: 'Convert it to PNG.' },
  );
}

function requireFaultless(notes: readonly string[], where: string | undefined): void {
  if (notes.length === 0) return;
  throw new ImageError({
    what: `has faults that do not change its pixels (${notes.join(', ')})`,
    where,
    hint: 'Images with such faults are read without "strict".',
  });
}

/**
 * What a decoded image that the decoder warned of has. libvips does not say which warning the last
 * rows of a JPEG gave, so that is found out here.
 *
 * @throws ImageError when blocks are missing.
 */
function warningNotes(
  { warnings }: Raster,
  { format, bytes }: Inspection,
  where: string | undefined,
): string[] {
  if (warnings.length === 0) return [];
  if (format !== 'jpeg') return ['unusual metadata'];
  if (!hasAllBlocks(bytes)) throw new ImageError({ what: 'is corrupt', where });
  return ['extra bytes after the pixel data'];
}

const CHANNELS = { gray: 1, rgb: 3, cmyk: 4 };

function rasterBytes({ width, height, samples }: Inspection): number {
  return (width * height * CHANNELS[samples.space] * samples.bits) / 8;
}

/** Memory during decoding: the file, the samples, and what the decoder keeps of a whole image. */
function memoryBytes({ bytes, isWhole }: Inspection, decodedBytes: number): number {
  // Coefficients of a progressive JPEG have 16 bits.
  return bytes.byteLength + Math.min(decodedBytes, MEMORY_BYTES) + (isWhole ? 2 * decodedBytes : 0);
}

const SPACES = { gray: { 8: 'b-w', 16: 'grey16' }, rgb: { 8: 'srgb', 16: 'rgb16' } } as const;

/** Only what the file needs: each operation costs as much as decoding a small image. */
function pipelineOf({ bytes, samples, hasAlpha, hasExif }: Inspection): Sharp {
  const options = { failOn: 'warning', limitInputPixels: MAX_PIXELS, pages: 1, ignoreIcc: true } as const;
  const pipeline = sharp(bytes, options);
  if (hasExif) pipeline.autoOrient();
  if (samples.space === 'cmyk') return pipeline.pipelineColourspace('cmyk').toColourspace('cmyk');
  if (hasAlpha) pipeline.flatten({ background: '#000000' });
  return pipeline.toColourspace(SPACES[samples.space][samples.bits]);
}
