/** Finds the functional groups of enhanced multi-frame files (PS3.3 section C.7.6.16). */
import type { DicomDataSet } from './data-set.js';

const SHARED_GROUPS = 0x52009229;
const PER_FRAME_GROUPS = 0x52009230;

/** The macro `sequence` of a frame: its own, else the one that all frames share. */
export function functionalGroup(
  dataSet: DicomDataSet,
  sequence: number,
  frame: number,
): DicomDataSet | undefined {
  return dataSet.item(PER_FRAME_GROUPS, frame)?.item(sequence) ?? dataSet.item(SHARED_GROUPS)?.item(sequence);
}
