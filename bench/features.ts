/**
 * Measures the extraction of features: reads a folder of images and computes the features of the
 * network of FID, as `gist metrics` does. Prints one line of JSON.
 */
import { readFile } from 'node:fs/promises';
import { extractFeatures } from '../src/evaluation/features.js';
import { sourceImages } from '../src/evaluation/source-images.js';
import { openSource, ownOptions } from '../src/imaging/index.js';
import { keepClassifier } from '../src/weights/classifiers/index.js';

export interface FeaturesBenchResult {
  images: number;
  seconds: number;
  peakBytes: number;
  /** Of the features of the first image, to compare with the peer's. */
  sum: number;
}

/** The time includes decoding and resizing, but not loading the network. */
export async function benchFeatures(folder: string): Promise<FeaturesBenchResult> {
  const source = openSource(folder);
  const names: string[] = [];
  for (const { name } of await source.list()) names.push(name);
  const first = names[0] as string;
  const options = { ...(await ownOptions(await source.read(first), first)), color: 'rgb' as const };
  const read = (some: readonly string[]) =>
    sourceImages(source, some, options, (reason) => {
      throw new Error(reason);
    });
  const warm = await extractFeatures(read([first]), undefined, 'inception');
  const start = performance.now();
  const { rows } = await extractFeatures(read(names), undefined, 'inception');
  return {
    images: rows,
    seconds: (performance.now() - start) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    sum: Float64Array.from(warm.data).reduce((sum, value) => sum + value, 0),
  };
}

const [folder, weights] = process.argv.slice(2);
if (folder && weights && process.argv[1]?.endsWith('features.js')) {
  await keepClassifier('inception', await readFile(weights), 'bench');
  process.stdout.write(`${JSON.stringify(await benchFeatures(folder))}\n`);
}
