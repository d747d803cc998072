/** The images that a command compares: folders, archives and buckets, brought to one size. */
import { DatasetError, ImageError } from '../core/errors.js';
import type { ClassedImage } from '../evaluation/index.js';
import type { ImageSource, ProcessOptions } from '../imaging/index.js';
import type { ComparisonView } from './comparison-view.js';
import { printNotice } from './terminal.js';

const MIN_IMAGES = 2;
/** The class of images beside the folders. */
export const NO_FOLDER = '(no folder)';

/** A source and the names of its images, in order. */
export interface Listed {
  address: string;
  source: ImageSource;
  names: string[];
}

/** @throws DatasetError for an empty set, before anything is computed */
export async function listed(source: ImageSource, address: string): Promise<Listed> {
  const names: string[] = [];
  for (const { name } of await source.list()) names.push(name);
  if (names.length < MIN_IMAGES) throw tooFew(names.length, address);
  return { address, source, names };
}

/** The size and color of the first readable image, to which all images are brought. */
export async function optionsOf({ source, names, address }: Listed): Promise<ProcessOptions> {
  const { ownOptions } = await import('../imaging/index.js');
  for (const name of names) {
    try {
      return await ownOptions(await source.read(name), name);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
    }
  }
  throw tooFew(0, address);
}

/** Yields every readable image of a source, square; reports and skips unreadable ones. */
export async function* images(
  { source, names, address }: Listed,
  options: ProcessOptions,
  view: ComparisonView,
  { byClass = false, onImage }: { byClass?: boolean; onImage?: (name: string) => void } = {},
): AsyncGenerator<ClassedImage> {
  const { sourceImages } = await import('../evaluation/index.js');
  view.start(address, names.length);
  let found = 0;
  const onSkip = (reason: string) => printNotice(`skipped: ${reason}`);
  for await (const image of sourceImages(source, names, options, onSkip)) {
    found++;
    onImage?.(image.name);
    const { name, ...own } = image;
    yield byClass ? { ...own, class: classOf(name) } : own;
  }
  if (found < MIN_IMAGES) throw tooFew(found, address);
}

/** The first folder of a name; images beside the folders have none. */
export function classOf(name: string): string {
  return name.includes('/') ? (name.split('/')[0] as string) : NO_FOLDER;
}

function tooFew(found: number, address: string): DatasetError {
  return new DatasetError({
    what: `only ${found} readable images`,
    where: address,
    hint: 'Metrics need at least two images of each set.',
  });
}
