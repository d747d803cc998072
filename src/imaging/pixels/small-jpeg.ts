/**
 * Decodes small JPEG files with libjpeg-turbo in WebAssembly: starting a pipeline of libvips takes
 * several times as long as decoding them. The pixels are the same.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Inspection } from './inspection.js';
import type { Raster } from './raster.js';

interface Decoder {
  /** Memory of the module for the file. */
  getEncodedBuffer(bytes: number): Uint8Array;
  /** Throws for damage, and for everything that libjpeg-turbo warns of. */
  decode(): void;
  getFrameInfo(): { width: number; height: number; componentCount: number };
  getDecodedBuffer(): Uint8Array;
}
type CodecFactory = (options: object) => Promise<{ JPEGDecoder: new () => Decoder }>;

/** Larger files are decoded faster by libvips, which uses vector instructions. */
export const SMALL_PIXELS = 2 ** 20;

/** One decoder for all files of a thread: its memory is as large as the largest of them needs. */
let loaded: Promise<Decoder> | undefined;

/**
 * @returns null for files that are large, upright by EXIF only, in CMYK or faulty: libvips decodes
 *   these, or says what is wrong with them.
 */
export async function decodeSmallJpeg(inspection: Inspection): Promise<Raster | null> {
  const { bytes, width, height, samples, hasExif } = inspection;
  if (hasExif || samples.space === 'cmyk' || width * height > SMALL_PIXELS) return null;
  const channels = samples.space === 'gray' ? 1 : 3;
  loaded ??= createDecoder();
  const decoder = await loaded;
  try {
    decoder.getEncodedBuffer(bytes.byteLength).set(bytes);
    decoder.decode();
    const frame = decoder.getFrameInfo();
    if (frame.width !== width || frame.height !== height || frame.componentCount !== channels) return null;
    const pixels = decoder.getDecodedBuffer().slice();
    async function* strips() {
      yield pixels;
    }
    return { width, height, channels, warnings: [], strips, remove: async () => undefined };
  } catch {
    // A decoder that has failed may be in any state.
    loaded = undefined;
    return null;
  }
}

async function createDecoder(): Promise<Decoder> {
  const require = createRequire(import.meta.url);
  const name = '@cornerstonejs/codec-libjpeg-turbo-8bit';
  const create = require(`${name}/decodewasmjs`) as CodecFactory;
  const wasmBinary = await readFile(require.resolve(`${name}/decodewasm`));
  const silent = () => undefined;
  const { JPEGDecoder } = await create({ wasmBinary, print: silent, printErr: silent });
  return new JPEGDecoder();
}
