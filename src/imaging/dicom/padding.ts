/** Pixel padding: values outside of the image (PS3.3 section C.7.5.1.1.2). */
import type { DicomDataSet } from './data-set.js';

const PIXEL_PADDING_VALUE = 0x00280120;
const PIXEL_PADDING_RANGE_LIMIT = 0x00280121;

/** @returns whether a stored value is padding; undefined when the file has none */
export function isPaddingValue(
  dataSet: DicomDataSet,
  isSigned: boolean,
): ((stored: number) => boolean) | undefined {
  const vr = isSigned ? 'SS' : 'US';
  const value = dataSet.number(PIXEL_PADDING_VALUE, vr);
  if (value === undefined) return undefined;
  const limit = dataSet.number(PIXEL_PADDING_RANGE_LIMIT, vr) ?? value;
  const [low, high] = [Math.min(value, limit), Math.max(value, limit)];
  return (stored) => stored >= low && stored <= high;
}
