/** Names and encodes a synthetic image as a file. */
import type { GenerateSpec } from '../spec/generate.js';
import { encodeSyntheticDicom, type SyntheticIdentity } from './dicom.js';
import { encodeRawPng, type RawImage } from './image-grid.js';

export type SyntheticFormat = GenerateSpec['format'];

/** File name of the image of a seed. */
export function syntheticName(format: SyntheticFormat, seed: number): string {
  return `seed${String(seed).padStart(8, '0')}.${format === 'dicom' ? 'dcm' : 'png'}`;
}

/** @param identity of the image, which DICOM files contain. */
export async function encodeSynthetic(
  format: SyntheticFormat,
  image: RawImage,
  identity: SyntheticIdentity,
): Promise<Uint8Array> {
  return format === 'dicom' ? encodeSyntheticDicom(image, identity) : encodeRawPng(image);
}
