/**
 * Measures the preprocess stage: plans, builds and assembles a data set. Then measures decoding
 * alone, which is the limit of any implementation on this decoder. Prints one line of JSON.
 */
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { assembleDataset, buildShard, openSource, planDataset } from '../src/imaging/index.js';
import { mapInOrder } from '../src/imaging/in-flight.js';
import { type PreprocessSpec, preprocessSchema } from '../src/spec/preprocess.js';
import { openStore } from '../src/storage/index.js';

export interface PreprocessBenchResult {
  images: number;
  /** From the start of the stage in a new process: threads and compiled code included. */
  seconds: number;
  /** The same again in this process, which is the rate of all but the first of many images. */
  warmSeconds: number;
  peakBytes: number;
  /** Time for decoding the same files on all processors, and nothing else. */
  decodeSeconds: number;
}

/** Runs the stage as its activities do, with a store on a local folder. */
export async function benchPreprocess(
  source: string,
  out: string,
  resolution: number,
): Promise<PreprocessBenchResult> {
  const spec = preprocessSchema.parse({ source, resolution, labels: 'none' });
  const [seconds, images] = await runStage(spec, path.join(out, 'cold'));
  const [warmSeconds] = await runStage(spec, path.join(out, 'warm'));
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const decodeSeconds = await decodeAll(source);
  return { images, seconds, warmSeconds, peakBytes, decodeSeconds };
}

/** @returns seconds and images */
async function runStage(spec: PreprocessSpec, folder: string): Promise<[number, number]> {
  const store = openStore(path.resolve(folder));
  const start = performance.now();
  const { digest, shards } = await planDataset(store, spec);
  for (let shard = 0; shard < shards; shard++)
    await buildShard(store, openSource(spec.source), spec, { digest, shard });
  const { images } = await assembleDataset(store, spec, digest);
  return [(performance.now() - start) / 1000, images.train + images.holdout];
}

async function decodeAll(source: string): Promise<number> {
  const start = performance.now();
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.path, entry.name));
  const decode = async (file: string) => {
    const image = sharp(await readFile(file));
    const isDeep = (await image.metadata()).depth === 'ushort';
    await image.raw({ depth: isDeep ? 'ushort' : 'uchar' }).toBuffer();
  };
  for await (const _ of mapInOrder(files, 2 * availableParallelism(), decode));
  return (performance.now() - start) / 1000;
}

const [source, out, resolution] = process.argv.slice(2);
if (source && out && process.argv[1]?.endsWith('preprocess.js')) {
  process.stdout.write(`${JSON.stringify(await benchPreprocess(source, out, Number(resolution)))}\n`);
}
