/** Renders decoded pixels as they are shown: 8-bit gray or RGB. */
import { percentileRange, type ValueRange } from '../pixels/window.js';
import type { DicomDataSet } from './data-set.js';
import { modalityTransform, type ModalityTransform } from './modality.js';
import type { Samples } from './native-pixels.js';
import { isPaddingValue } from './padding.js';
import { applyPalette } from './palette.js';
import type { DicomPixels } from './pixels.js';
import { rangeTransform, type ShownLevel, voiTransform, type DicomWindow } from './voi.js';

export interface RenderedPixels {
  /** [height, width, channels] uint8. */
  levels: Uint8Array;
  channels: 1 | 3;
  /** The window was chosen from the pixels, because the file has none. */
  isGuessed: boolean;
}

/** Percentiles that become black and white without a window: a few markers must not decide. */
const AUTO_PERCENTILES = [0.5, 99.5] as const;

export function renderPixels(
  dataSet: DicomDataSet,
  pixels: DicomPixels,
  window: DicomWindow,
): RenderedPixels {
  const { image, samples, bits } = pixels;
  if (image.photometric === 'PALETTE COLOR')
    return { levels: applyPalette(samples, dataSet, image.isSigned), channels: 3, isGuessed: false };
  if (image.samples === 3) return { levels: toBytes(samples, bits), channels: 3, isGuessed: false };
  const { level, isGuessed } = shownLevels(dataSet, pixels, window);
  const isInverted = image.photometric === 'MONOCHROME1';
  const toByte = (stored: number) => {
    const byte = Math.floor(level(stored) * 255 + 0.5);
    return isInverted ? 255 - byte : byte;
  };
  return { levels: mapSamples(samples, toByte), channels: 1, isGuessed };
}

/** From stored values of a gray image to what is shown, 0 to 1, before inversion. */
export function shownLevels(
  dataSet: DicomDataSet,
  { image, frame, samples }: DicomPixels,
  window: DicomWindow,
): { level: ShownLevel; isGuessed: boolean } {
  const modality = modalityTransform(dataSet, frame, image.isSigned);
  const voi = voiTransform(dataSet, frame, window, image.isSigned);
  if (voi) return { level: (stored) => voi(modality.apply(stored)), isGuessed: false };
  const isPadding = isPaddingValue(dataSet, image.isSigned);
  const range = chooseRange(samples, modality, window === 'full' ? [0, 100] : AUTO_PERCENTILES, isPadding);
  const shown = rangeTransform(range);
  return { level: (stored) => shown(modality.apply(stored)), isGuessed: window === 'first' };
}

/** Percentiles after the modality transform. All values count when the percentiles are equal. */
function chooseRange(
  samples: Samples,
  modality: ModalityTransform,
  percentiles: readonly [number, number],
  isPadding: ((stored: number) => boolean) | undefined,
): ValueRange {
  const kept = isPadding ? samples.filter((value) => !isPadding(value)) : samples;
  const values = kept.length > 0 ? kept : samples;
  const stored = modality.isLinear ? values : Float64Array.from(values, modality.apply);
  const ofPercentiles = percentileRange(stored, percentiles);
  const { low, high } =
    ofPercentiles.low < ofPercentiles.high ? ofPercentiles : percentileRange(stored, [0, 100]);
  if (!modality.isLinear) return { low, high };
  const ends = [modality.apply(low), modality.apply(high)];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/** Calls `map` once for each value that occurs: a file of 12 bits has few of those of 16. */
function mapSamples(samples: Samples, map: (value: number) => number): Uint8Array {
  const out = new Uint8Array(samples.length);
  const bits = samples.BYTES_PER_ELEMENT * 8;
  if (bits === 32) {
    for (let i = 0; i < out.length; i++) out[i] = map(samples[i] as number);
    return out;
  }
  const isSigned = samples instanceof Int16Array || samples instanceof Int8Array;
  const lowest = isSigned ? -(2 ** (bits - 1)) : 0;
  const table = new Uint16Array(2 ** bits).fill(UNKNOWN);
  for (let i = 0; i < out.length; i++) {
    const at = (samples[i] as number) - lowest;
    if (table[at] === UNKNOWN) table[at] = map(at + lowest) & 255;
    out[i] = table[at] as number;
  }
  return out;
}

/** No byte. */
const UNKNOWN = 256;

function toBytes(samples: Samples, bits: number): Uint8Array {
  if (bits === 8 && samples instanceof Uint8Array) return samples;
  const most = 2 ** bits - 1;
  return mapSamples(samples, (value) => Math.min(255, Math.max(0, Math.round((value * 255) / most))));
}
