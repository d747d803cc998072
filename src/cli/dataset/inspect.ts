/** `gist dataset inspect` and `list`: what data sets and sources hold. */
import { useStack } from '../../client/stack/stack.js';
import { DatasetError, GistError, ImageError, SourceMissingError } from '../../core/errors.js';
import type {
  DatasetManifest,
  ImageSource,
  RejectedImage,
  RejectedList,
  SourceImage,
  Survey,
} from '../../imaging/index.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import type { ObjectStore } from '../../storage/index.js';
import { printResult, table } from '../terminal.js';
import { type SheetImage, SHEET_IMAGES, writePage } from './page.js';
import { requirePrivateFile } from './private-file.js';
import { withBar } from './progress-bar.js';
import { type OptionValues, specOfOptions } from './spec-options.js';

interface InspectOptions extends OptionValues {
  json?: boolean;
  /** File for the page. */
  html?: string;
  /** The source of a data set, to name the images that were rejected. */
  source?: string;
}

/** Shows a data set, the data sets under an address, or what a source of images would give. */
export async function inspect(
  address: string,
  { json, html, source, ...options }: InspectOptions,
): Promise<void> {
  await requirePrivateFile(html, '--html');
  useStack();
  const { openStore } = await import('../../storage/index.js');
  if (!/\.zip\/?$/i.test(address)) {
    const store = openStore(address);
    const found = await manifestsUnder(store);
    const failed = await rejectedUnder(store, found);
    const [first] = found;
    if (first && found.length + failed.length === 1) {
      const manifest = { ...first.manifest, rejected: await named(first.manifest, source) };
      const rows = await describe(manifest);
      if (html) await writePage(html, { title: address, rows, images: await sheetOfDataset(store, first) });
      return printResult(json, manifest, table(rows));
    }
    const [only] = failed;
    if (only && found.length + failed.length === 1)
      return printRejected({ ...only, rejected: await named(only, source) }, json);
    if (found.length + failed.length > 1) return printList(found, failed, json);
  }
  await inspectSource(address, options, { json, html });
}

/** Lists the data sets of a store. */
export async function list(address: string, { json }: { json?: boolean }): Promise<void> {
  useStack();
  const { openStore } = await import('../../storage/index.js');
  const store = openStore(address);
  const found = await manifestsUnder(store);
  printList(found, await rejectedUnder(store, found), json);
}

/** The rejected images, with their names where the source is given. */
async function named(list: RejectedList, source: string | undefined): Promise<RejectedImage[]> {
  if (source === undefined) return [...list.rejected];
  const { nameRejected } = await import('../../imaging/index.js');
  return withBar((onProgress) => nameRejected(list, source, { onProgress }));
}

interface FoundDataset {
  prefix: string;
  manifest: DatasetManifest;
}

/** The data set at an address, or those in its `datasets/`. */
async function manifestsUnder(store: ObjectStore): Promise<FoundDataset[]> {
  const { datasetManifestSchema } = await import('../../imaging/index.js');
  const { findJson } = await import('../../storage/index.js');
  const own = await findJson(store, 'manifest.json', datasetManifestSchema);
  if (own) return [{ prefix: '', manifest: own }];
  const found: FoundDataset[] = [];
  for await (const { key } of store.list('datasets/')) {
    if (!/^datasets\/[^/]+\/manifest\.json$/.test(key)) continue;
    const manifest = await findJson(store, key, datasetManifestSchema);
    if (manifest) found.push({ prefix: key.slice(0, -'manifest.json'.length), manifest });
  }
  return found;
}

/** The lists of data sets that were not made, at an address or in its `datasets/`. */
async function rejectedUnder(
  store: ObjectStore,
  finished: readonly FoundDataset[],
): Promise<FoundRejected[]> {
  const { REJECTED_LIST, rejectedListSchema } = await import('../../imaging/index.js');
  const { findJson, joinKey } = await import('../../storage/index.js');
  const prefixes = new Set(['']);
  for await (const { key } of store.list('datasets/')) {
    const [folder, digest, file] = key.split('/');
    if (file === REJECTED_LIST) prefixes.add(`${folder}/${digest}/`);
  }
  // A list stays when a second attempt has made the data set.
  for (const { prefix } of finished) prefixes.delete(prefix);
  const found: FoundRejected[] = [];
  for (const prefix of prefixes) {
    const list = await findJson(store, joinKey(prefix, REJECTED_LIST), rejectedListSchema);
    if (list) found.push({ prefix, ...list });
  }
  return found;
}

interface FoundRejected extends RejectedList {
  prefix: string;
}

function notFinished({ rejected }: FoundRejected): string {
  return `not finished, since ${rejected.length === 1 ? '1 image' : `${rejected.length} images`} cannot be used`;
}

function printRejected(list: FoundRejected, json: boolean | undefined): void {
  const { prefix, rejected } = list;
  const rows = rejected.map(({ name, reason }) => [`  ${name}`, reason]);
  const head = `${prefix && `${prefix}: `}${notFinished(list)}`;
  const isHidden = rejected.some(({ name, position }) => position !== undefined && isHiddenName(name));
  const hint = isHidden ? `\n${NAME_HINT}` : '';
  printResult(json, { prefix, finished: false, rejected }, `${head}\n${table(rows)}${hint}`);
}

const NAME_HINT = 'Add --source with the address of the images to see the names of the files.';

const isHiddenName = (name: string) => name.endsWith('(hidden by privacy.names)');

function printList(
  found: readonly FoundDataset[],
  failed: readonly FoundRejected[],
  json: boolean | undefined,
): void {
  const rows = found.map(({ prefix, manifest: { images, classes, resolution, channels } }) => ({
    prefix,
    images,
    classes,
    resolution,
    channels,
  }));
  const lines = rows.map(({ prefix, images, classes, resolution, channels }) => [
    prefix,
    `${images.train} training, ${images.holdout} holdout`,
    classes ? `${classes.length} classes` : 'no labels',
    `${resolution} px ${channels === 1 ? 'gray' : 'RGB'}`,
  ]);
  const unfinished = failed.map((list) => [list.prefix, notFinished(list), '', '']);
  const all = [...lines, ...unfinished];
  const result = { datasets: rows, failed: failed.map(({ prefix, rejected }) => ({ prefix, rejected })) };
  printResult(json, result, all.length > 0 ? table(all) : 'no data sets');
}

async function describe(manifest: DatasetManifest): Promise<string[][]> {
  const { findingRows } = await import('../../imaging/index.js');
  const { digest, resolution, channels, images, rejected } = manifest;
  return [
    ['digest', digest],
    ['images', `${images.train} training, ${images.holdout} holdout`],
    ['size', `${resolution} x ${resolution}, ${channels === 1 ? 'gray' : 'RGB'}`],
    ...findingRows(manifest),
    ['rejected', String(rejected.length)],
    ...rejected.map(({ name, reason }) => [`  ${name}`, reason]),
    ...(rejected.some(({ name }) => isHiddenName(name)) ? [['', NAME_HINT]] : []),
  ];
}

/** The first training images of each class: their order is random. */
async function sheetOfDataset(store: ObjectStore, { prefix, manifest }: FoundDataset): Promise<SheetImage[]> {
  const { encodePng, openDataset } = await import('../../imaging/index.js');
  const { resolution, channels, classes } = manifest;
  const dataset = await openDataset(store, prefix);
  const limit = SHEET_IMAGES * 4 * (classes?.length ?? 1);
  const counts = new Map<string | null, number>();
  const sheet: SheetImage[] = [];
  for await (const { label, pixels } of dataset.images('train', { limit })) {
    const name = label === null ? null : (classes?.[label] ?? null);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if ((counts.get(name) as number) > SHEET_IMAGES) continue;
    sheet.push({ name, png: await encodePng(pixels, resolution, resolution, channels) });
  }
  return sheet;
}

/** Resolution of a sheet of images that are no data set yet. */
const SHEET_SIDE = 128;

/** The first training images of each class that can be decoded. */
async function sheetOfSource(
  source: ImageSource,
  spec: PreprocessSpec,
  { images, labels }: Survey,
  train: Uint32Array,
): Promise<SheetImage[]> {
  const { channelsOf, encodePng, processImage, settingsOf } = await import('../../imaging/index.js');
  const sheet: SheetImage[] = [];
  for (const [label, name] of (labels.classes ?? [null]).entries()) {
    const own = train.filter((i) => labels.labels[i] === label).slice(0, SHEET_IMAGES);
    for (const i of own) {
      const image = images.at(i) as SourceImage;
      const bytes = await source.read(image.name);
      const settings = { ...settingsOf(spec, image), resolution: SHEET_SIDE };
      const pixels = await processImage(bytes, settings).catch(skipImageError);
      if (pixels)
        sheet.push({ name, png: await encodePng(pixels, SHEET_SIDE, SHEET_SIDE, channelsOf(spec.color)) });
    }
  }
  return sheet;
}

function skipImageError(error: unknown): null {
  if (error instanceof ImageError) return null;
  throw error;
}

/** What `build` would find, with the number and size of files of each kind. */
async function inspectSource(
  address: string,
  options: OptionValues,
  { json, html }: { json?: boolean; html?: string },
): Promise<void> {
  const {
    describeImages,
    findingRows,
    findTextExamples,
    openSource,
    planWindow,
    splitSurvey,
    surveySource,
    usedImages,
    warningsOf,
  } = await import('../../imaging/index.js');
  const spec = specOfOptions(address, options);
  const source = openSource(address);
  const found = await withBar(async (onProgress) => {
    const survey = await surveySource(source, spec, { onProgress });
    const looked = await describeImages(source, survey.images, { onProgress });
    const window = await planWindow(source, usedImages(survey), spec.window);
    return { survey, looked, window, ...(await splitSurvey(source, spec, survey, { onProgress })) };
  }).catch((error: unknown) => {
    throw error instanceof SourceMissingError || isEmptyStore(error) ? nothingAt(address, error) : error;
  });
  const { survey, looked, window, split, duplicates } = found;
  const { classes, labels } = survey.labels;
  const count = (indices: Uint32Array) =>
    (classes ?? []).map((_, label) => indices.reduce((sum, i) => sum + (labels[i] === label ? 1 : 0), 0));
  const classImages = { train: count(split.train), holdout: count(split.holdout) };
  const findings = {
    images: { train: split.train.length, holdout: split.holdout.length },
    classes,
    classImages,
    emptyClasses: (classes ?? []).filter(
      (_, label) => classImages.train[label] === 0 && classImages.holdout[label] === 0,
    ),
    labels: survey.labels.basis,
    skipped: { ...source.contents.skipped, ...survey.leftOut },
    duplicates: duplicates.report,
    window,
    notices: [...survey.notices, ...duplicates.notices, ...split.notices],
  };
  const rows = [
    ['source', `${survey.images.length} image files, ${looked.bytes} bytes; not a data set yet`],
    ...looked.formats.map(({ format, images }) => ['format', `${images} ${format}`]),
    ...(looked.sizes
      ? [['size', `${looked.sizes.least} to ${looked.sizes.most} pixels, median ${looked.sizes.median}`]]
      : []),
    ['images', `${findings.images.train} training, ${findings.images.holdout} holdout`],
    ...findingRows(findings),
  ];
  if (html) {
    const images = await sheetOfSource(source, spec, survey, split.train);
    const text = await withBar((onProgress) =>
      findTextExamples(source, usedImages(survey), spec, { onProgress }),
    );
    rows.push([
      'text',
      `${text.found} of ${text.searched} images that were searched seem to have text in their pixels`,
    ]);
    await writePage(html, { title: address, rows, images, text: text.examples });
  }
  const warnings = warningsOf(findings);
  printResult(json, { source: address, files: looked, ...findings, warnings }, table(rows));
}

function isEmptyStore(error: unknown): boolean {
  return error instanceof GistError && error.what === 'contains no images';
}

function nothingAt(where: string, cause: unknown): DatasetError {
  return new DatasetError({
    what: 'there is no finished data set, and no folder or archive of images',
    where,
    hint: 'Give the folder that holds manifest.json, or a folder, .zip or s3:// address of images.',
    cause,
  });
}
