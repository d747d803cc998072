/** Analyses of the sets of a run, read from the object store. */
import type { OnProgress } from '../../core/progress.js';
import type { AnalysisResult, KeepFigure } from '../../spec/analyses.js';
import type { ComparedSets, SetName } from '../../spec/compute-tasks.js';
import type { ExtractorName } from '../../spec/metrics.js';
import type { ObjectStore } from '../../storage/index.js';
import { countImages, extractFeatures, setFeatures } from '../features.js';
import {
  type ImageSet,
  imageLabels,
  openImageSet,
  SET_NAMES,
  shardImages,
  shardsFor,
} from '../image-sets.js';
import type { AnalyzedSet } from './analyzed-set.js';
import type { FinishedAnalyses } from './finished.js';
import { PixelFile } from './pixel-file.js';
import { type AnalysisSettings, runAnalyses } from './registry.js';

export interface StoredAnalyses extends AnalysisSettings {
  extractor: ExtractorName;
  keep: KeepFigure;
  finished: FinishedAnalyses;
}

/** No analysis without training images or synthetic images. */
export async function analyzeSets(
  store: ObjectStore,
  compared: ComparedSets,
  { extractor, keep, finished, ...settings }: StoredAnalyses,
  onProgress: OnProgress,
): Promise<AnalysisResult[]> {
  const known = await Promise.all(settings.names.map((name) => finished.find(name)));
  if (known.every((result) => result !== null)) return known;
  const files: PixelFile[] = [];
  const sets: Partial<Record<SetName, AnalyzedSet>> = {};
  let classes: string[] | null = null;
  try {
    for (const set of SET_NAMES) {
      const prefix = set === 'synthetic' ? compared.synthetic : compared.dataset;
      const opened = await openImageSet(store, { set, prefix });
      if (countImages(opened) < 2) continue;
      const file = await PixelFile.create();
      files.push(file);
      const { maxImages } = compared;
      await copyPixels(store, opened, { file, maxImages }, onProgress);
      const features = await setFeatures(store, opened, { maxImages, extractor }, onProgress);
      sets[set] = await analyzedSet(store, opened, file, features);
      if (set === 'train') classes = opened.classes;
    }
    const { train, holdout = null, synthetic } = sets;
    if (!train || !synthetic) return [];
    const extract = extractWith(extractor, onProgress);
    const read = { train, holdout, synthetic, classes, extract };
    return await runAnalyses(read, settings, { keep, onProgress }, finished);
  } finally {
    for (const file of files) await file.remove();
  }
}

/** Extracts features and reports each batch. */
export function extractWith(extractor: ExtractorName, onProgress: OnProgress) {
  return (images: Parameters<typeof extractFeatures>[0]) =>
    extractFeatures(images, (done) => onProgress({ done, unit: 'images' }), extractor);
}

async function copyPixels(
  store: ObjectStore,
  set: ImageSet,
  { file, maxImages }: { file: PixelFile; maxImages: number },
  onProgress: OnProgress,
): Promise<void> {
  const shards = shardsFor(set, maxImages);
  for (let shard = 0; shard < shards; shard++) {
    const left = maxImages - file.images;
    for await (const pixels of shardImages(store, set, shard, (index) => index < left))
      await file.append(pixels);
    onProgress({ done: shard + 1, total: shards, unit: 'shards' });
  }
}

async function analyzedSet(
  store: ObjectStore,
  set: ImageSet,
  file: PixelFile,
  features: AnalyzedSet['features'],
): Promise<AnalyzedSet> {
  const { resolution: side, channels } = set;
  const labels = await imageLabels(store, set, file.images);
  return {
    images: file.images,
    side,
    channels,
    labels: labels && Int32Array.from(labels),
    features,
    pixels: { read: (index) => file.read(index, side * side * channels) },
  };
}
