/** Reads findings in columns of 0 and 1, as CheXpert (Irvin et al. 2019) and ISIC have them. */
import type { LabelsSpec } from '../../spec/preprocess.js';

/** 1 present, 0 absent, -1 uncertain, null not mentioned. */
export type Indicator = 1 | 0 | -1 | null;

/** The class of images without any of the findings. */
export const NO_FINDING = 'none';

/** The label of a row. */
export interface Reading {
  /** null when several columns are all blank, or an uncertain finding decides. */
  label: string | null;
  isUncertain: boolean;
}

type Policy = Pick<Extract<LabelsSpec, { csv: string }>, 'findings' | 'separator' | 'uncertain'>;

/** The value of a cell; undefined when it is no indicator. */
export function indicatorOf(cell = ''): Indicator | undefined {
  const text = cell.trim().toLowerCase().replace(',', '.');
  if (text === '') return null;
  if (text === 'true' || text === 'yes') return 1;
  if (text === 'false' || text === 'no') return 0;
  const value = Number(text);
  return value === 1 || value === 0 || value === -1 ? (value as Indicator) : undefined;
}

/**
 * The label of a row. By default a row has none if its label would depend on an uncertain finding
 * (the policy U-Ignore of CheXpert); uncertain findings that do not matter are no reason.
 */
export function readIndicators(
  names: readonly string[],
  values: readonly Indicator[],
  { findings, separator, uncertain = 'exclude' }: Policy,
): Reading {
  if (values.length > 1 && values.every((value) => value === null))
    return { label: null, isUncertain: false };
  const labelWith = (doubtful: 0 | 1) => {
    const present = names.filter((_, i) => (values[i] === -1 ? doubtful : values[i]) === 1);
    if (typeof findings === 'object')
      return present.includes(findings.one) ? findings.one : `not ${findings.one}`;
    if (present.length === 0) return NO_FINDING;
    return findings === 'first' ? (present[0] as string) : [...present].sort().join(separator);
  };
  if (uncertain !== 'exclude')
    return { label: labelWith(uncertain === 'positive' ? 1 : 0), isUncertain: false };
  const label = labelWith(0);
  return label === labelWith(1) ? { label, isUncertain: false } : { label: null, isUncertain: true };
}
