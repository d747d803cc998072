/** Image formats for the exchange with the peer: NumPy files and raw bytes. */
import type { SquareImage } from '../../src/evaluation/index.js';

/** Encodes [h, w, c] images as a uint8 NumPy file (format version 1.0) of shape [n, c, h, w]. */
export function encodeNpy(images: readonly Uint8Array[], side: number, channels: number): Buffer {
  const shape = `(${images.length}, ${channels}, ${side}, ${side})`;
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': ${shape}, }`;
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const size = Buffer.alloc(2);
  size.writeUInt16LE(header.length);
  const body = Buffer.alloc(images.length * channels * side * side);
  let offset = 0;
  for (const image of images) {
    for (let channel = 0; channel < channels; channel++)
      for (let pixel = 0; pixel < side * side; pixel++)
        body[offset++] = image[pixel * channels + channel] as number;
  }
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    size,
    Buffer.from(header, 'latin1'),
    body,
  ]);
}

export async function* rawImages(
  images: readonly Uint8Array[],
  resolution: number,
  channels: 1 | 3,
): AsyncGenerator<SquareImage> {
  for (const pixels of images) yield { resolution, channels, pixels };
}
