/** The folders of a source: wrapping folders, a given split, and the level of the classes. */
import { DatasetError } from '../../core/errors.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { Column, type Sequence } from '../source/column.js';
import { isSystemName } from '../source/file-kinds.js';

const TRAIN = /^train(ing)?([-_ ]?(set|data|images|split))?$/i;
const HELD_OUT =
  /^(auto[-_ ]?)?(val(id(ation)?)?|dev|test(ing)?|hold[-_ ]?out)([-_ ]?(set|data|images|split))?$/i;
const isSplit = (folder: string) => TRAIN.test(folder) || HELD_OUT.test(folder);

/** What a name such as `knee_train` ends with: `train`. */
const roleOf = (folder: string) =>
  isSplit(folder)
    ? folder
    : (/^.*[-_ ](train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?)$/i.exec(folder)?.[1] ?? '');

/** Folders that are a split; of names such as `knee_train` only if `knee_test` is there, too. */
function splitFolders(folders: readonly string[]): string[] {
  const plain = folders.filter(isSplit);
  const ending = folders.filter((folder) => roleOf(folder) !== '');
  const stems = new Set(ending.map((folder) => folder.slice(0, -roleOf(folder).length)));
  const isPair = stems.size === 1 && ending.some((folder) => TRAIN.test(roleOf(folder)));
  return plain.length === 0 && isPair ? ending : plain;
}

/** Where classes are in the paths of a source. */
export interface Layout {
  /** Path of each image, in NFC and without `.`. */
  paths: Sequence<string>;
  /** Number of folders above the classes. */
  depth: number;
  /** Number of these that wrap the whole source. */
  wrapping: number;
  /** For a given split: 1 for the images that it holds out; else null. */
  heldOut: Uint8Array | null;
}

/** NFC: macOS decomposes accents, and other systems do not. */
export function plainPath(name: string): string {
  const path = name.normalize('NFC');
  // Most paths are plain already; a million of them are not copied.
  if (path === name && !/(^|\/)\.?(\/|$)/.test(name)) return name;
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

const partsOf = (path: string) => path.split('/');

/**
 * Looks through folders that hold everything, then through the folders of a split.
 *
 * @param siblings paths of folders without images that count as folders of the source
 * @throws DatasetError when the source is split already and `splits` does not say what that means
 */
export function findLayout(
  names: Sequence<string>,
  siblings: readonly string[],
  splits: PreprocessSpec['splits'],
  where: string,
): Layout {
  const paths = Column.map(names, plainPath);
  const empty = siblings.map(plainPath);
  const wrapping = unwrap(paths, empty, 0);
  const isLoose = paths.some((path) => partsOf(path).length <= wrapping + 1);
  const folders = isLoose ? [] : [...new Set(Column.map(paths, (path) => partsOf(path)[wrapping] as string))];
  const given = splitFolders(folders);
  if (given.length < 2) {
    if (splits === 'keep') throw noSplit(where);
    return { paths, depth: wrapping, wrapping, heldOut: null };
  }
  if (given.length < folders.length) throw mixedFolders(given, folders.length, where);
  if (splits === null) throw givenSplit(given, where);
  const depth = unwrap(paths, empty, wrapping + 1);
  const heldOut = Uint8Array.from(paths, (path) =>
    TRAIN.test(roleOf(partsOf(path)[wrapping] as string)) ? 0 : 1,
  );
  return { paths, depth, wrapping, heldOut: splits === 'keep' ? heldOut : null };
}

/** The first level from `depth` on that has more than one folder, or images. */
function unwrap(paths: Sequence<string>, empty: readonly string[], depth: number): number {
  for (let level = depth; ; level++) {
    const folder = partsOf(paths.at(0) ?? '')[level];
    let hasFolders = false;
    for (const path of paths) {
      const parts = partsOf(path);
      if (parts.length <= level + 1 || parts[level] !== folder) return level;
      // The last folder above the files is no wrapping one: it may be the only class.
      hasFolders ||= parts.length > level + 2;
    }
    const isAlone = (parts: readonly string[]) => parts.length <= level || parts[level] === folder;
    if (!hasFolders || !empty.map(partsOf).every(isAlone)) return level;
  }
}

/** The folder of each image at the level of the classes; null for images beside the folders. */
export function classFolders({ paths, depth }: Layout): Sequence<string | null> {
  return Column.map(paths, (path) => {
    const parts = partsOf(path);
    return parts.length > depth + 1 ? (parts[depth] as string) : null;
  });
}

/** Names of folders without images at the level of the classes. */
export function emptyFolders({ paths, depth, wrapping }: Layout, siblings: readonly string[]): string[] {
  const wrap = partsOf(paths.at(0) ?? '').slice(0, wrapping);
  return siblings
    .map((folder) => partsOf(plainPath(folder)))
    .filter((path) => path.length === depth + 1 && wrap.every((part, i) => path[i] === part))
    .filter((path) => depth === wrapping || roleOf(path[wrapping] as string) !== '')
    .map((path) => path[depth] as string);
}

/**
 * Folders that hold no image and nothing else of use: an empty class keeps its label, but a folder
 * of documents is no class.
 */
export function foldersWithoutImages(
  folders: ReadonlySet<string>,
  documents: ReadonlySet<string>,
  names: Sequence<string>,
): string[] {
  const used = new Set<string>();
  for (const path of names) addAncestors(path, used);
  for (const folder of documents) addAncestors(folder, used);
  for (const folder of documents) used.add(folder);
  return [...folders].filter((folder) => !used.has(folder) && !folder.split('/').some(isSystemName));
}

function addAncestors(path: string, to: Set<string>): void {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const folder = path.slice(0, at);
    if (to.has(folder)) return;
    to.add(folder);
  }
}

function givenSplit(folders: readonly string[], where: string): DatasetError {
  return new DatasetError({
    what: `has the folders ${[...folders].sort().join(', ')}, which are a split and no classes`,
    where,
    hint: 'Set preprocess.splits (--splits) to "keep", which holds out the images of all but train, or to "merge", which ignores these folders.',
  });
}

function mixedFolders(given: readonly string[], count: number, where: string): DatasetError {
  return new DatasetError({
    what: `has ${given.length} folders of a split (${given.join(', ')}) beside ${count - given.length} others`,
    where,
    hint: 'Move the other folders away, or give one of the folders as the source.',
  });
}

function noSplit(where: string): DatasetError {
  return new DatasetError({
    what: 'has no folders such as train and test',
    where,
    hint: 'Remove preprocess.splits (--splits), and a random part is held out.',
  });
}
