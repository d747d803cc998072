/**
 * Lays out both sets in two dimensions by their features (UMAP; McInnes et al. 2018): near images
 * look alike to the extractor.
 */
import { UMAP } from 'umap-js';
import type { OnProgress } from '../core/progress.js';
import { RandomStream } from '../core/random.js';
import { openImageSet, setFeatures } from '../evaluation/index.js';
import { shardListSchema, syntheticManifestSchema } from '../generation/synthetic-manifest.js';
import { datasetManifestSchema, readLabels } from '../imaging/index.js';
import type { EvaluateInput, SetName } from '../spec/compute-tasks.js';
import { selectedMetrics } from '../spec/evaluate.js';
import { type ExtractorName, extractorsOf } from '../spec/metrics.js';
import type { GenerateResult } from '../spec/results.js';
import { getJson, type ObjectStore } from '../storage/index.js';
import type { FeatureMap, MapPoint } from './report-input.js';

/** Most images of each set: the layout of 1,000 points takes about five seconds. */
const MAX_POINTS: Record<SetName, number> = { train: 400, holdout: 200, synthetic: 400 };
const SEED = 0;
const NEIGHBORS = 15;

/** A set's images that are shown. */
interface Sampled {
  set: SetName;
  features: number[][];
  labels: (number | null)[];
}

/** @returns null without an extractor, or with too few images for a map */
export async function featureMap(
  store: ObjectStore,
  run: EvaluateInput,
  onProgress: OnProgress = () => undefined,
): Promise<FeatureMap | null> {
  const extractor = extractorsOf(selectedMetrics(run.spec.evaluate))[0];
  if (!extractor) return null;
  const sets: Sampled[] = [];
  for (const set of ['train', 'holdout', 'synthetic'] as const) {
    const sampled = await sampledSet(store, run, { set, extractor }, onProgress);
    if (sampled) sets.push(sampled);
  }
  const features = sets.flatMap((set) => set.features);
  if (features.length <= 2 * NEIGHBORS) return null;
  const places = layout(features, onProgress);
  const points = sets
    .flatMap(({ set, labels }) => labels.map((label) => ({ set, label })))
    .map((point, i): MapPoint => ({ ...point, x: places[i]?.[0] ?? 0, y: places[i]?.[1] ?? 0 }));
  const isLabeled = points.every(({ label }) => label !== null);
  return { extractor, points, classes: isLabeled ? run.dataset.classes : null };
}

async function sampledSet(
  store: ObjectStore,
  { dataset, synthetic, spec }: EvaluateInput,
  { set, extractor }: { set: SetName; extractor: ExtractorName },
  onProgress: OnProgress,
): Promise<Sampled | null> {
  const prefix = set === 'synthetic' ? synthetic.prefix : dataset.prefix;
  const opened = await openImageSet(store, { set, prefix });
  const images = opened.shards.reduce((sum, shard) => sum + shard.images, 0);
  // Sets of one image have no features.
  if (images < 2) return null;
  const { maxImages } = spec.evaluate;
  const { rows, columns, data } = await setFeatures(store, opened, { maxImages, extractor }, onProgress);
  const labelOf = await (set === 'synthetic'
    ? syntheticLabels(store, synthetic, dataset.classes)
    : realLabels(store, prefix, set));
  const count = Math.min(rows, MAX_POINTS[set]);
  const chosen = Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
  return {
    set,
    features: chosen.map((row) => Array.from(data.subarray(row * columns, (row + 1) * columns))),
    labels: chosen.map((row) => labelOf[row] ?? null),
  };
}

async function realLabels(
  store: ObjectStore,
  prefix: string,
  split: 'train' | 'holdout',
): Promise<(number | null)[]> {
  const manifest = await getJson(store, `${prefix}manifest.json`, datasetManifestSchema);
  const labels = await readLabels(store, prefix, manifest, split);
  return labels ? [...labels.values()] : [];
}

/** Labels of the data set: a set of another generator may have its classes in another order. */
async function syntheticLabels(
  store: ObjectStore,
  { prefix }: GenerateResult,
  names: readonly string[] | null,
): Promise<(number | null)[]> {
  const { shards, classes } = await getJson(store, `${prefix}manifest.json`, syntheticManifestSchema);
  const labels: (number | null)[] = [];
  for (const shard of shards) {
    const { images } = await getJson(store, `${prefix}${shard.list}`, shardListSchema);
    for (const { label } of images) {
      const own = names?.indexOf(classes?.[label ?? -1] ?? '') ?? -1;
      labels.push(own < 0 ? null : own);
    }
  }
  return labels;
}

function layout(features: number[][], onProgress: OnProgress): number[][] {
  const random = new RandomStream(SEED, 'map of images');
  const umap = new UMAP({ nNeighbors: NEIGHBORS, random: () => random.uniform() });
  const total = umap.initializeFit(features);
  for (let done = 0; done < total; done++) {
    umap.step();
    onProgress({ done, total, unit: 'steps' });
  }
  return umap.getEmbedding();
}
