/** Derives the class of each image from its folder. */
import { DatasetError } from '../core/errors.js';
import type { PreprocessSpec } from '../spec/preprocess.js';
import { compareNaturally } from './natural-order.js';

/** Class names in label order, and the label of each image. */
export interface Labels {
  /** null when unlabeled. */
  classes: string[] | null;
  /** [images] int32, index into `classes`; zeros when unlabeled. */
  labels: Int32Array;
}

/**
 * With `folders`, the first folder level is the class, and classes are in natural order (grade2
 * before grade10). With `none`, there are no classes.
 *
 * @param names relative paths of the images in their source.
 * @throws DatasetError when images are outside the class folders, or there are no folders.
 */
export function labelImages(names: readonly string[], rule: PreprocessSpec['labels'], where: string): Labels {
  if (rule === 'none') return { classes: null, labels: new Int32Array(names.length) };
  const folders = names.map((name) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : null));
  const loose = names.filter((_, i) => folders[i] === null);
  if (loose.length === names.length) {
    throw new DatasetError({
      what: 'has no class folders',
      where,
      hint: 'Put the images into one folder per class, or set preprocess.labels to "none".',
    });
  }
  if (loose.length > 0) {
    throw new DatasetError({
      what: `${loose.length} of ${names.length} images are not in a class folder`,
      where,
      hint: 'Move them into the folder of their class, or set preprocess.labels to "none".',
    });
  }
  const classes = [...new Set(folders as string[])].sort(compareNaturally);
  const index = new Map(classes.map((name, i) => [name, i]));
  return { classes, labels: Int32Array.from(folders, (folder) => index.get(folder as string) as number) };
}
