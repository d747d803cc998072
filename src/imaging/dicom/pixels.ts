/** Decodes one frame of a DICOM file to samples with their meaning. */
import { ImageError } from '../../core/errors.js';
import { PIXEL_DATA } from './elements.js';
import type { DicomFile } from './file.js';
import { encapsulatedFrame, frameIndex, type FrameChoice, nativeFrame } from './frames.js';
import { describeImage, type ImageDescription } from './image-description.js';
import { decodeJpeg } from './jpeg.js';
import {
  interleavePlanes,
  interpretBits,
  readNative,
  type Samples,
  type UnsignedSamples,
} from './native-pixels.js';
import type { RawFrame } from './raw-frame.js';
import type { PixelCodec } from './transfer-syntax.js';
import { decodeRle } from './rle.js';
import { decodeWasm } from './wasm-codecs.js';
import { expand422, ybrToRgb } from './ybr.js';

export interface DicomPixels {
  image: ImageDescription;
  /** Number of the decoded frame, from 0. */
  frame: number;
  /** [height, width] stored values of gray or palette images; [height, width, 3] RGB. */
  samples: Samples;
  /** Significant bits of a sample. */
  bits: number;
  /** Faults of the file that do not change the samples. */
  faults: string[];
}

/** @throws ImageError when the frame does not exist or cannot be decoded to its end. */
export async function decodePixels(file: DicomFile, choice: FrameChoice): Promise<DicomPixels> {
  const image = describeImage(file);
  const frame = frameIndex(choice, image);
  const { raw, faults } = await readFrame(file, image, frame);
  if (raw.width !== image.width || raw.height !== image.height || raw.samples !== image.samples)
    throw new ImageError({ what: 'is corrupt: its compressed frame differs in size from the image' });
  if (image.samples === 3) return { image, frame, samples: toRgb(raw), bits: raw.bits, faults };
  const isNative = file.syntax.codec === 'native' || file.syntax.codec === 'rle';
  const lowBit = isNative ? image.highBit + 1 - image.bitsStored : 0;
  const samples = interpretBits(raw.values, raw.bits, lowBit, image.isSigned);
  return { image, frame, samples, bits: raw.bits, faults };
}

interface ReadFrame {
  raw: RawFrame;
  faults: string[];
}

async function readFrame(file: DicomFile, image: ImageDescription, frame: number): Promise<ReadFrame> {
  const { dataSet, syntax } = file;
  const pixels = dataSet.find(PIXEL_DATA);
  // Native data of a fixed length occur under encapsulated syntaxes, written by faulty converters.
  if (syntax.codec === 'native' || (pixels && pixels.length >= 0))
    return { raw: readNativeFrame(file, image, frame), faults: [] };
  const { bytes, fault } = encapsulatedFrame(dataSet, image.frames, frame);
  return { raw: await decodeFrame(bytes, syntax.codec, image), faults: fault === null ? [] : [fault] };
}

async function decodeFrame(
  stream: Uint8Array,
  codec: Exclude<PixelCodec, 'native'> | null,
  image: ImageDescription,
): Promise<RawFrame> {
  const isDeclaredYbr = image.photometric === 'YBR_FULL' || image.photometric === 'YBR_FULL_422';
  if (codec === 'rle') return readRleFrame(stream, image);
  if (codec === 'jpeg') {
    const raw = await decodeJpeg(stream, image, isDeclaredYbr);
    return { ...raw, bits: Math.min(raw.bits, Math.max(8, image.bitsStored)) };
  }
  if (codec === null) throw new ImageError({ what: 'is not supported' });
  const raw = await decodeWasm(codec, stream, image);
  return { ...raw, isYbr: isDeclaredYbr };
}

function readNativeFrame({ dataSet }: DicomFile, image: ImageDescription, frame: number): RawFrame {
  const { width, height, samples, bitsAllocated, bitsStored, isPlanar, photometric } = image;
  const isPacked = photometric === 'YBR_FULL_422';
  const count = width * height * (isPacked ? 2 : samples);
  const { isLittleEndian } = dataSet.cursor.encoding;
  const native = nativeFrame(dataSet, image, frame);
  const stored = readNative(native, count, bitsAllocated, isLittleEndian);
  const shape = { width, height, samples, bits: bitsStored, isYbr: photometric.startsWith('YBR') };
  return isPacked
    ? { ...shape, values: expand422(stored, width * height), isPlanar: false }
    : { ...shape, values: stored, isPlanar };
}

function readRleFrame(stream: Uint8Array, image: ImageDescription): RawFrame {
  const { width, height, samples, bitsAllocated, bitsStored, photometric } = image;
  const bytes = decodeRle(stream, width * height, samples, Math.ceil(bitsAllocated / 8));
  const native = { bytes, firstBit: 0 };
  const stored = readNative(native, width * height * samples, bitsAllocated, true);
  const isYbr = photometric.startsWith('YBR');
  return { width, height, samples, bits: bitsStored, values: stored, isPlanar: true, isYbr };
}

function toRgb({ values, samples, isPlanar, isYbr, bits }: RawFrame): UnsignedSamples {
  const interleaved = isPlanar ? interleavePlanes(values, samples) : values;
  // The samples may be a view of the file, which is not to be changed.
  return isYbr ? ybrToRgb(interleaved.slice(), bits) : interleaved;
}
