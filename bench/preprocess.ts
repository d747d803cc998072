/**
 * Measures the preprocess stage: plans, builds and assembles a data set. Prints one line of JSON.
 */
import path from 'node:path';
import { assembleDataset, buildShard, openSource, planDataset } from '../src/imaging/index.js';
import { preprocessSchema } from '../src/spec/preprocess.js';
import { openStore } from '../src/storage/index.js';

export interface PreprocessBenchResult {
  images: number;
  seconds: number;
  peakBytes: number;
}

/** Runs the stage as its activities do, with a store on a local folder. */
export async function benchPreprocess(
  source: string,
  out: string,
  resolution: number,
): Promise<PreprocessBenchResult> {
  const spec = preprocessSchema.parse({ source, resolution });
  const store = openStore(path.resolve(out));
  const start = performance.now();
  const { digest, shards } = await planDataset(store, spec, { generation: String(Date.now()) });
  for (let shard = 0; shard < shards; shard++)
    await buildShard(store, openSource(source), spec, { digest, shard });
  const { images } = await assembleDataset(store, spec, digest);
  const seconds = (performance.now() - start) / 1000;
  return {
    images: images.train + images.holdout,
    seconds,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

const [source, out, resolution] = process.argv.slice(2);
if (source && out && process.argv[1]?.endsWith('preprocess.js')) {
  process.stdout.write(`${JSON.stringify(await benchPreprocess(source, out, Number(resolution)))}\n`);
}
