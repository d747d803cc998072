/** Writes synthetic images as DICOM secondary capture files (PS3.3 section A.8.1). */
import { createHash } from 'node:crypto';
import type { RawImage } from './image-grid.js';

/** What identifies an image among all synthetic images. */
export interface SyntheticIdentity {
  /** The same for all images of a set, and for no other set: they form one study. */
  set: string;
  seed: number;
}

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';
const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
const DESCRIPTION = 'Computer-generated image of a generative network; it shows no patient.';

/**
 * One 8-bit gray or RGB image, uncompressed. There is no patient: attributes that the standard
 * requires are present and empty. The same identity gives the same bytes.
 */
export function encodeSyntheticDicom(image: RawImage, { set, seed }: SyntheticIdentity): Uint8Array {
  const instance = uid(`${set}/instance/${seed}`);
  const body = Buffer.concat([
    element(0x00080005, 'CS', 'ISO_IR 192'),
    element(0x00080008, 'CS', 'DERIVED\\SECONDARY'),
    element(0x00080016, 'UI', SECONDARY_CAPTURE),
    element(0x00080018, 'UI', instance),
    element(0x00080020, 'DA', ''),
    element(0x00080030, 'TM', ''),
    element(0x00080050, 'SH', ''),
    element(0x00080060, 'CS', 'OT'),
    // Defined term of the standard: synthetic image.
    element(0x00080064, 'CS', 'SYN'),
    element(0x00080070, 'LO', 'GIST'),
    element(0x00080090, 'PN', ''),
    element(0x0008103e, 'LO', 'Synthetic images'),
    element(0x00082111, 'ST', DESCRIPTION),
    element(0x00100010, 'PN', ''),
    element(0x00100020, 'LO', ''),
    element(0x00100030, 'DA', ''),
    element(0x00100040, 'CS', ''),
    element(0x0020000d, 'UI', uid(`${set}/study`)),
    element(0x0020000e, 'UI', uid(`${set}/series`)),
    element(0x00200010, 'SH', ''),
    element(0x00200011, 'IS', '1'),
    element(0x00200013, 'IS', String(seed)),
    element(0x00200020, 'CS', ''),
    ...pixelElements(image),
  ]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), fileMeta(instance), body]);
}

function fileMeta(instance: string): Buffer {
  const meta = Buffer.concat([
    element(0x00020001, 'OB', Buffer.from([0, 1])),
    element(0x00020002, 'UI', SECONDARY_CAPTURE),
    element(0x00020003, 'UI', instance),
    element(0x00020010, 'UI', EXPLICIT_LITTLE_ENDIAN),
    element(0x00020012, 'UI', uid('implementation')),
    element(0x00020013, 'SH', 'GIST'),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  return Buffer.concat([element(0x00020000, 'UL', length), meta]);
}

function pixelElements({ width, height, channels, pixels }: RawImage): Buffer[] {
  const isGray = channels === 1;
  return [
    element(0x00280002, 'US', words(channels)),
    element(0x00280004, 'CS', isGray ? 'MONOCHROME2' : 'RGB'),
    ...(isGray ? [] : [element(0x00280006, 'US', words(0))]),
    element(0x00280010, 'US', words(height)),
    element(0x00280011, 'US', words(width)),
    element(0x00280100, 'US', words(8)),
    element(0x00280101, 'US', words(8)),
    element(0x00280102, 'US', words(7)),
    element(0x00280103, 'US', words(0)),
    element(0x00280301, 'CS', 'NO'),
    // Viewers show 0 to 255 as it is.
    ...(isGray ? [element(0x00281050, 'DS', '128'), element(0x00281051, 'DS', '256')] : []),
    element(0x00282110, 'CS', '00'),
    element(0x7fe00010, 'OB', pixels),
  ];
}

function words(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** An explicit little endian element; values have an even length. */
function element(tag: number, vr: string, value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const padding = Buffer.alloc(bytes.length % 2, typeof value === 'string' && vr !== 'UI' ? ' ' : 0);
  const length = bytes.length + padding.length;
  const head = Buffer.alloc(vr === 'OB' ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4);
  if (vr === 'OB') head.writeUInt32LE(length, 8);
  else head.writeUInt16LE(length, 6);
  return Buffer.concat([head, bytes, padding]);
}

/** An identifier from a UUID (PS3.5 section B.2) that is a hash of the name (RFC 9562). */
function uid(name: string): string {
  const bytes = createHash('sha256').update(`gist/${name}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${bytes.toString('hex')}`)}`;
}
