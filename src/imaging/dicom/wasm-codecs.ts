/** Decodes JPEG-LS, JPEG 2000 and HTJ2K frames with codecs compiled to WebAssembly. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { ImageError } from '../../core/errors.js';
import { MAX_PIXELS } from '../pixels/decoded-image.js';
import { listSegments, readFrame } from '../pixels/jpeg-stream.js';
import type { RawFrame } from './raw-frame.js';

interface FrameInfo {
  width: number;
  height: number;
  bitsPerSample: number;
  componentCount: number;
}

interface Decoder {
  /** Memory of the module for the compressed bytes. */
  getEncodedBuffer(bytes: number): Uint8Array;
  decode(): void;
  getFrameInfo(): FrameInfo;
  getDecodedBuffer(): Uint8Array;
  /** JPEG-LS: 0 for planes, otherwise by pixel. */
  getInterleaveMode?(): number;
  delete(): void;
}

type DecoderClass = new () => Decoder;
interface CodecModule {
  J2KDecoder?: DecoderClass;
  JpegLSDecoder?: DecoderClass;
  HTJ2KDecoder?: DecoderClass;
}
type CodecFactory = (options: object) => Promise<CodecModule>;

const CODECS = {
  'jpeg-ls': { name: 'JPEG-LS', script: 'codec-charls/decodewasmjs', wasm: 'codec-charls/decodewasm' },
  'jpeg-2000': {
    name: 'JPEG 2000',
    script: 'codec-openjpeg/decodewasmjs',
    wasm: 'codec-openjpeg/decodewasm',
  },
  htj2k: { name: 'High-Throughput JPEG 2000', script: 'codec-openjph/wasmjs', wasm: 'codec-openjph/wasm' },
} as const;
export type WasmCodec = keyof typeof CODECS;

/** A module that has decoded more pixels is not kept, because its memory cannot shrink. */
const KEPT_PIXELS = 4 * 2 ** 20;

const loaded = new Map<WasmCodec, Promise<DecoderClass>>();

/**
 * @param expected what the file declares; a stream of another size is not decoded.
 * @throws ImageError
 */
export async function decodeWasm(
  codec: WasmCodec,
  stream: Uint8Array,
  expected: { width: number; height: number; samples: number },
): Promise<RawFrame> {
  if (!hasEnd(stream))
    throw new ImageError({ what: `is truncated: its ${CODECS[codec].name} stream has no end` });
  requireSize(codec === 'jpeg-ls' ? readJpegLsSize(stream) : readSize(stream), expected);
  const Class = await load(codec);
  try {
    const frame = decodeWith(Class, codec, stream, expected);
    if (frame.width * frame.height > KEPT_PIXELS) loaded.delete(codec);
    return frame;
  } catch (error) {
    if (error instanceof ImageError) throw error;
    // A module that has failed may be in any state: the next frame gets a new one.
    loaded.delete(codec);
    throw new ImageError({ what: `is corrupt: its ${CODECS[codec].name} stream cannot be decoded` });
  }
}

function decodeWith(
  Class: DecoderClass,
  codec: WasmCodec,
  stream: Uint8Array,
  expected: { width: number; height: number; samples: number },
): RawFrame {
  const decoder = new Class();
  try {
    decoder.getEncodedBuffer(stream.byteLength).set(stream);
    decoder.decode();
    const info = decoder.getFrameInfo();
    requireSize(info, expected);
    const { width, height, componentCount: samples, bitsPerSample: bits } = info;
    const values = copyValues(decoder.getDecodedBuffer(), width * height * samples, bits, codec);
    const isPlanar = samples > 1 && decoder.getInterleaveMode?.() === 0;
    return { width, height, samples, bits, values, isPlanar, isYbr: false };
  } finally {
    decoder.delete();
  }
}

/**
 * Whether a stream ends with its last marker, before padding. Without it, OpenJPEG leaves out
 * details silently, and CharLS may search for the end of a code for many seconds.
 */
function hasEnd(stream: Uint8Array): boolean {
  let end = stream.length;
  while (end > 0 && stream[end - 1] === 0) end--;
  // The byte that makes the length even is not always 0.
  return [end, end - 1].some((at) => stream[at - 2] === 0xff && stream[at - 1] === 0xd9);
}

/** The size by the first segment of a code stream (ITU-T T.800 section A.5.1), without decoding. */
function readSize(stream: Uint8Array): Omit<FrameInfo, 'bitsPerSample'> {
  const start = Buffer.from(stream.buffer, stream.byteOffset, stream.byteLength).indexOf('ff4fff51', 'hex');
  if (start < 0 || start + 42 > stream.length)
    throw new ImageError({ what: 'is corrupt: its JPEG 2000 stream has no start' });
  const view = new DataView(stream.buffer, stream.byteOffset + start, 42);
  return {
    width: view.getUint32(8) - view.getUint32(16),
    height: view.getUint32(12) - view.getUint32(20),
    componentCount: view.getUint16(40),
  };
}

const JPEG_LS_FRAME = 0xf7;

/** The size by the frame of a JPEG-LS stream (ITU-T T.87 section C.2.2), without decoding. */
function readJpegLsSize(stream: Uint8Array): Omit<FrameInfo, 'bitsPerSample'> {
  const { components, ...size } = readFrame(
    stream,
    listSegments(stream),
    (marker) => marker === JPEG_LS_FRAME,
  );
  return { ...size, componentCount: components.length };
}

function requireSize(
  { width, height, componentCount }: Omit<FrameInfo, 'bitsPerSample'>,
  expected: { width: number; height: number; samples: number },
): void {
  const isAsDeclared =
    width === expected.width && height === expected.height && componentCount === expected.samples;
  if (isAsDeclared && width * height <= MAX_PIXELS) return;
  throw new ImageError({ what: 'is corrupt: its compressed frame differs in size from the image' });
}

/** Copies from the memory of the module, which is reused. */
function copyValues(
  decoded: Uint8Array,
  count: number,
  bits: number,
  codec: WasmCodec,
): Uint8Array | Uint16Array {
  const bytes = count * (bits <= 8 ? 1 : 2);
  if (bits > 16) throw new ImageError({ what: `is DICOM with ${bits}-bit samples in ${CODECS[codec].name}` });
  if (decoded.byteLength < bytes)
    throw new ImageError({ what: 'is truncated: its compressed frame ends early' });
  const copy = decoded.slice(0, bytes);
  return bits <= 8 ? copy : new Uint16Array(copy.buffer, copy.byteOffset, count);
}

function load(codec: WasmCodec): Promise<DecoderClass> {
  let decoder = loaded.get(codec);
  if (!decoder) {
    decoder = instantiate(codec);
    loaded.set(codec, decoder);
  }
  return decoder;
}

async function instantiate(codec: WasmCodec): Promise<DecoderClass> {
  const require = createRequire(import.meta.url);
  const { script, wasm } = CODECS[codec];
  const create = require(`@cornerstonejs/${script}`) as CodecFactory;
  const wasmBinary = await readFile(require.resolve(`@cornerstonejs/${wasm}`));
  // Messages of the codecs may quote the stream.
  const silent = () => undefined;
  const module = await create({ wasmBinary, print: silent, printErr: silent });
  const Class = module.JpegLSDecoder ?? module.J2KDecoder ?? module.HTJ2KDecoder;
  if (!Class) throw new Error(`the ${codec} codec has no decoder`);
  return Class;
}
