/** Palettes of PALETTE COLOR images (PS3.3 sections C.7.6.3.1.5 and C.7.9.2). */
import { ImageError } from '../../core/errors.js';
import type { DicomDataSet } from './data-set.js';
import { readLut } from './lookup-table.js';
import type { Samples } from './native-pixels.js';

const DESCRIPTORS = [0x00281101, 0x00281102, 0x00281103];
const DATA = [0x00281201, 0x00281202, 0x00281203];
const SEGMENTED = [0x00281221, 0x00281222, 0x00281223];

/**
 * @param indices [n] stored values.
 * @returns [n, 3] 8-bit RGB.
 */
export function applyPalette(indices: Samples, dataSet: DicomDataSet, isSigned: boolean): Uint8Array {
  const channels = DESCRIPTORS.map((descriptor, i) => {
    const [data, segmented] = [DATA[i] as number, SEGMENTED[i] as number];
    const isSegmented = !dataSet.find(data) && dataSet.find(segmented) !== undefined;
    const expand = isSegmented ? expandSegments : undefined;
    const lut = readLut(dataSet, descriptor, isSegmented ? segmented : data, isSigned, expand);
    if (!lut) throw new ImageError({ what: 'is DICOM with palette color, but without a palette' });
    // Some writers declare 16 bits and store 8.
    const highest = lut.values.reduce((a, b) => Math.max(a, b), 0);
    const bits = lut.bits > 8 && highest < 256 ? 8 : lut.bits;
    return {
      first: lut.first,
      colors: lut.values.map((value) => Math.round((value * 255) / (2 ** bits - 1))),
    };
  });
  const out = new Uint8Array(indices.length * 3);
  for (const [channel, { first, colors }] of channels.entries()) {
    const last = colors.length - 1;
    for (let i = 0; i < indices.length; i++) {
      const entry = Math.min(last, Math.max(0, (indices[i] as number) - first));
      out[3 * i + channel] = colors[entry] as number;
    }
  }
  return out;
}

/** Segments of one palette that are followed; each gives at least one entry in a sound file. */
const MAX_SEGMENTS = 65_536;

/** Expands discrete, linear and indirect segments. */
function expandSegments(words: Uint16Array, length: number): Uint16Array {
  const out: number[] = [];
  let segments = 0;
  const run = (from: number, count: number, isIndirect: boolean): void => {
    for (let i = from, left = count; i < words.length && left > 0 && out.length < length; left--) {
      if (++segments > MAX_SEGMENTS)
        throw new ImageError({ what: 'is corrupt: its palette has too many segments' });
      const [opcode, size] = [words[i] as number, words[i + 1] ?? 0];
      if (opcode === 0) {
        out.push(...words.subarray(i + 2, i + 2 + size));
        i += 2 + size;
      } else if (opcode === 1) {
        const [start, end] = [out.at(-1) ?? 0, words[i + 2] ?? 0];
        for (let k = 1; k <= size; k++) out.push(Math.round(start + ((end - start) * k) / size));
        i += 3;
      } else if (opcode === 2 && !isIndirect) {
        const at = ((words[i + 2] ?? 0) + 65536 * (words[i + 3] ?? 0)) >>> 1;
        run(at, size, true);
        i += 4;
      } else {
        throw new ImageError({ what: 'is corrupt: its palette has an unknown segment' });
      }
    }
  };
  run(0, Number.POSITIVE_INFINITY, false);
  return Uint16Array.from(out.slice(0, length));
}
