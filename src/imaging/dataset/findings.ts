/** Says what was found in a source of images: classes, labels, copies, files that are left out. */
import { counted } from '../../core/counted.js';
import { NO_DEEP_IMAGE } from '../pixels/window-choice.js';
import { describeExposure } from './exposure.js';
import type { SourceSizes } from './source-sizes.js';
import type { DatasetManifest } from './dataset-manifest.js';

/** What a plan and a manifest have in common; a plan knows no faults of files yet. */
export type Findings = Pick<
  DatasetManifest,
  'classes' | 'classImages' | 'labels' | 'skipped' | 'duplicates' | 'notices' | 'window'
> &
  Partial<Pick<DatasetManifest, 'notes' | 'exposure' | 'sizes' | 'resolution'>>;

/** Rows of a table: a kind of finding, or a class with its label, and what is to be said of it. */
export function findingRows(findings: Findings): [string, string][] {
  const { classes, classImages, labels, skipped, duplicates, notes = {}, window } = findings;
  const count = (split: 'train' | 'holdout', label: number) => classImages?.[split][label] ?? 0;
  const isEmpty = (label: number) => count('train', label) + count('holdout', label) === 0;
  const rows: [string, string][] = [];
  if (labels) rows.push(['labels', `${labels.from}: ${labels.why}`]);
  for (const [label, name] of (classes ?? []).entries())
    rows.push([
      `  ${label}  ${name}`,
      isEmpty(label)
        ? 'no images: the class is empty and keeps its label'
        : `${count('train', label)} training, ${count('holdout', label)} holdout`,
    ]);
  if (duplicates) rows.push(['copies', describeCopies(duplicates)]);
  if (window && !window.isGuess && window.reason !== NO_DEEP_IMAGE)
    rows.push(['window', describeWindow(window)]);
  if (findings.sizes) rows.push(['source', describeSizes(findings.sizes, findings.resolution)]);
  for (const split of ['train', 'holdout'] as const)
    for (const own of findings.exposure?.[split] ?? [])
      rows.push(['exposure', `${exposureOf(own.label, classes, split)}: ${describeExposure(own)}`]);
  for (const [reason, number] of Object.entries(skipped)) rows.push(['left out', counted(number, reason)]);
  for (const [note, number] of Object.entries(notes))
    rows.push(['accepted', `${counted(number, 'images')}: ${note}`]);
  for (const warning of warningsOf(findings)) rows.push(['warning', warning]);
  return rows;
}

function exposureOf(label: number, classes: readonly string[] | null, split: 'train' | 'holdout'): string {
  const side = split === 'train' ? 'training' : 'holdout';
  return classes ? `${classes[label]}, ${side}` : side;
}

function describeSizes({ least, most, enlarged }: SourceSizes, resolution: number | undefined): string {
  const text = `${least.width} x ${least.height} to ${most.width} x ${most.height} pixels`;
  return enlarged === 0 ? text : `${text}; ${counted(enlarged, 'images')} below ${resolution} were enlarged`;
}

/** What the user should check. Names no file, class or patient, so that it may be logged. */
export function warningsOf({ notices, window }: Pick<Findings, 'notices' | 'window'>): string[] {
  if (!window?.isGuess) return [...notices];
  const guess = `${describeWindow(window)}. This is a guess: look at a few images, or set preprocess.window (--window)`;
  return [guess, ...notices];
}

function describeWindow({ range, reason }: NonNullable<DatasetManifest['window']>): string {
  return `values ${range.low} to ${range.high} of 16-bit images become 0 to 255: ${reason}`;
}

function describeCopies({ method, why, exact, near }: NonNullable<DatasetManifest['duplicates']>): string {
  if (method === 'ignore') return 'not looked for';
  const sets = (count: { sets: number; images: number }) =>
    `${counted(count.sets, 'sets')} of ${counted(count.images, 'images')}`;
  const looked = method === 'near' ? `; ${sets(near)} that look the same` : '';
  return `${sets(exact)} with the same bytes${looked} (${method}: ${why})`;
}
