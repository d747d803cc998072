/** The modality transform: from stored values to values with a meaning (PS3.3 section C.11.1). */
import type { DicomDataSet } from './data-set.js';
import { functionalGroup } from './functional-groups.js';
import { type LookupTable, lookUp, readLut } from './lookup-table.js';

const [RESCALE_INTERCEPT, RESCALE_SLOPE] = [0x00281052, 0x00281053];
const MODALITY_LUT_SEQUENCE = 0x00283000;
const PIXEL_VALUE_TRANSFORMATION = 0x00289145;

export interface ModalityTransform {
  apply: (stored: number) => number;
  /** Order of values is kept, or reversed. */
  isLinear: boolean;
}

/** The lookup table where there is one, else slope and intercept. */
export function modalityTransform(
  dataSet: DicomDataSet,
  frame: number,
  isSigned: boolean,
): ModalityTransform {
  const lut = modalityLut(dataSet, isSigned);
  if (lut) return { apply: (stored) => lookUp(lut, stored), isLinear: false };
  const source = dataSet.find(RESCALE_SLOPE)
    ? dataSet
    : (functionalGroup(dataSet, PIXEL_VALUE_TRANSFORMATION, frame) ?? dataSet);
  const slope = source.number(RESCALE_SLOPE, 'DS') ?? 1;
  const intercept = source.number(RESCALE_INTERCEPT, 'DS') ?? 0;
  // A slope of 0 would make every image blank.
  const factor = Number.isFinite(slope) && slope !== 0 ? slope : 1;
  const offset = Number.isFinite(intercept) ? intercept : 0;
  return { apply: (stored) => stored * factor + offset, isLinear: true };
}

function modalityLut(dataSet: DicomDataSet, isSigned: boolean): LookupTable | undefined {
  const item = dataSet.item(MODALITY_LUT_SEQUENCE);
  return item && readLut(item, 0x00283002, 0x00283006, isSigned);
}
