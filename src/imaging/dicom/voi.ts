/** The VOI transform: which values are shown, from black to white (PS3.3 section C.11.2). */
import { ImageError } from '../../core/errors.js';
import type { ValueRange } from '../pixels/window.js';
import type { DicomDataSet } from './data-set.js';
import { functionalGroup } from './functional-groups.js';
import { lookUp, readLut } from './lookup-table.js';

const [WINDOW_CENTER, WINDOW_WIDTH] = [0x00281050, 0x00281051];
const [WINDOW_EXPLANATION, WINDOW_FUNCTION] = [0x00281055, 0x00281056];
const VOI_LUT_SEQUENCE = 0x00283010;
const LUT_EXPLANATION = 0x00283003;
const FRAME_VOI_LUT = 0x00289132;

/**
 * Which window is used: the first of the file, one chosen from the pixels, the whole range of the
 * values, the one with a name, or one by its values.
 */
export type DicomWindow = 'first' | 'auto' | 'full' | (string & {}) | { center: number; width: number };

/** Maps a value after the modality transform to 0 (black) to 1 (white). */
export type ShownLevel = (value: number) => number;

/**
 * @returns null when the pixels decide: 'auto', 'full', or 'first' in a file without a window.
 * @throws ImageError when there is no window of the requested name.
 */
export function voiTransform(
  dataSet: DicomDataSet,
  frame: number,
  choice: DicomWindow,
  isSigned: boolean,
): ShownLevel | null {
  if (choice === 'auto' || choice === 'full') return null;
  if (typeof choice === 'object') return linear(choice.center, choice.width);
  if (choice === 'first') return lutTransform(dataSet, isSigned) ?? windows(dataSet, frame)[0]?.level ?? null;
  const isNamed = ({ name }: { name: string }) => name.toLowerCase() === choice.toLowerCase();
  const named = lutTransform(dataSet, isSigned, choice) ?? windows(dataSet, frame).find(isNamed)?.level;
  if (named) return named;
  throw new ImageError({
    what: 'is DICOM without a window of the requested name',
    hint: 'Use "first" or "auto" for preprocess.dicom.window (--dicom-window).',
  });
}

/** A range as a transform; one without width is a threshold. */
export function rangeTransform({ low, high }: ValueRange): ShownLevel {
  return (value) => (value <= low ? 0 : value >= high ? 1 : (value - low) / (high - low));
}

const MAX_LUTS = 16;

/** The first lookup table, or the one with a name. */
function lutTransform(dataSet: DicomDataSet, isSigned: boolean, name?: string): ShownLevel | undefined {
  for (let i = 0; i < MAX_LUTS; i++) {
    const item = dataSet.item(VOI_LUT_SEQUENCE, i);
    if (!item) return undefined;
    if (name !== undefined && item.string(LUT_EXPLANATION).toLowerCase() !== name.toLowerCase()) continue;
    const lut = readLut(item, 0x00283002, 0x00283006, isSigned);
    if (lut) return (value) => Math.min(1, lookUp(lut, value) / (2 ** lut.bits - 1));
  }
  return undefined;
}

/** The valid windows of a file, in their order. */
function windows(dataSet: DicomDataSet, frame: number): { name: string; level: ShownLevel }[] {
  const source = dataSet.find(WINDOW_CENTER)
    ? dataSet
    : (functionalGroup(dataSet, FRAME_VOI_LUT, frame) ?? dataSet);
  const widths = source.numbers(WINDOW_WIDTH, 'DS');
  const names = source.strings(WINDOW_EXPLANATION);
  const shape = source.string(WINDOW_FUNCTION);
  return source.numbers(WINDOW_CENTER, 'DS').flatMap((center, i) => {
    const width = widths[i];
    if (width === undefined || !Number.isFinite(center) || !(width > 0)) return [];
    const make = shape === 'SIGMOID' ? sigmoid : shape === 'LINEAR_EXACT' ? linearExact : linear;
    return [{ name: names[i] ?? '', level: make(center, width) }];
  });
}

/** Section C.11.2.1.2.1: from center - 0.5 - (width - 1) / 2 on. */
function linear(center: number, width: number): ShownLevel {
  const half = Math.max(0, width - 1) / 2;
  return rangeTransform({ low: center - 0.5 - half, high: center - 0.5 + half });
}

/** Section C.11.2.1.3.2. */
function linearExact(center: number, width: number): ShownLevel {
  return rangeTransform({ low: center - width / 2, high: center + width / 2 });
}

/** Section C.11.2.1.3.1. */
function sigmoid(center: number, width: number): ShownLevel {
  return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
}
