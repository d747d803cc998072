/** Says what was found in a source of images: classes, labels, copies, files that are left out. */
import type { DatasetManifest } from '../../imaging/index.js';

/** What a plan and a manifest have in common. */
type Findings = Pick<
  DatasetManifest,
  'classes' | 'classImages' | 'labels' | 'skipped' | 'duplicates' | 'notices'
>;

/** Rows of a table. */
export function findingRows({
  classes,
  classImages,
  labels,
  skipped,
  duplicates,
  notices,
}: Findings): string[][] {
  const count = (split: 'train' | 'holdout', label: number) => classImages?.[split][label] ?? 0;
  const isEmpty = (label: number) => count('train', label) + count('holdout', label) === 0;
  return [
    ...(labels ? [['labels', `${labels.from}: ${labels.why}`]] : []),
    ...(classes ?? []).map((name, label) => [
      `  ${label}  ${name}`,
      isEmpty(label)
        ? 'no images: the class is empty and keeps its label'
        : `${count('train', label)} training, ${count('holdout', label)} holdout`,
    ]),
    ...(duplicates ? [['copies', describeCopies(duplicates)]] : []),
    ...Object.entries(skipped).map(([reason, number]) => ['left out', `${number} ${reason}`]),
    ...notices.map((notice) => ['note', notice]),
  ];
}

function describeCopies({ method, why, exact, near }: NonNullable<DatasetManifest['duplicates']>): string {
  if (method === 'ignore') return 'not looked for';
  const sets = (count: { sets: number; images: number }) => `${count.sets} sets of ${count.images} images`;
  const looked = method === 'near' ? `; ${sets(near)} that look the same` : '';
  return `${sets(exact)} with the same bytes${looked} (${method}: ${why})`;
}
