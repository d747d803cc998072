/** Labeled sets of drawn images in a store: a data set, and a synthetic set beside it. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { makeScratchFolder } from '../../src/core/scratch.js';
import { RandomStream } from '../../src/core/random.js';
import type { ShardList, SyntheticManifest } from '../../src/generation/synthetic-manifest.js';
import { datasetManifestSchema, encodePng, writeStoredZip } from '../../src/imaging/index.js';
import { type ObjectStore, putJson, putPart, sha256 } from '../../src/storage/index.js';

export const SIDE = 32;
/** Two bars and a disk. */
export const SHAPES = ['rows', 'columns', 'disk'];

export interface Drawn {
  label: number;
  pixels: Uint8Array;
}

/** Images of each class in turn: a shape of random place, size and brightness, with noise. */
export function drawShapes(count: number, seed: number): Drawn[] {
  const random = new RandomStream(seed, 'shapes');
  return Array.from({ length: count }, (_, i) => ({
    label: i % SHAPES.length,
    pixels: drawShape(random, i % SHAPES.length),
  }));
}

function drawShape(random: RandomStream, label: number): Uint8Array {
  const [x, y] = [8 + random.integer(16), 8 + random.integer(16)];
  const [long, wide] = [6 + random.integer(5), 2 + random.integer(2)];
  const [ground, bright] = [40 + random.integer(60), 40 + random.integer(60)];
  const isInside = (row: number, column: number) => {
    const [dx, dy] = [Math.abs(column - x), Math.abs(row - y)];
    if (label === 0) return dx <= long && dy <= wide;
    return label === 1 ? dx <= wide && dy <= long : dx * dx + dy * dy <= long * wide * 1.2;
  };
  return Uint8Array.from({ length: SIDE * SIDE }, (_, at) => {
    const value = isInside(Math.floor(at / SIDE), at % SIDE) ? ground + bright : ground;
    return Math.min(255, Math.max(0, Math.round(value + 18 * random.normal())));
  });
}

/** Key prefixes and digests. */
export interface StoredSets {
  dataset: { prefix: string; digest: string };
  synthetic: { prefix: string; digest: string };
}

export async function writeSets(
  store: ObjectStore,
  sets: { train: Drawn[]; holdout: Drawn[]; synthetic: Drawn[] },
  classes: string[] = SHAPES,
): Promise<StoredSets> {
  const digests = Object.entries(sets).map(([name, images]) => digestOf(name, images));
  const dataset = {
    digest: digests.slice(0, 2).join(''),
    prefix: `datasets/${digests.slice(0, 2).join('')}/`,
  };
  const synthetic = { digest: digests[2] as string, prefix: `runs/r/generate/${digests[2]}/` };
  const count = (images: Drawn[]) =>
    classes.map((_, label) => images.filter((image) => image.label === label).length);
  const shards = [];
  for (const [split, file] of [
    ['train', 'dataset.json'],
    ['holdout', 'holdout.json'],
  ] as const) {
    const { part, names } = await writeShard(store, dataset.prefix, split, sets[split]);
    shards.push({ ...part, split, images: sets[split].length });
    await putJson(store, `${dataset.prefix}${file}`, {
      labels: names.map((name, i) => [name, sets[split][i]?.label]),
    });
  }
  const common = { version: 1 as const, resolution: SIDE, channels: 1 as const, classes };
  const manifest = datasetManifestSchema.parse({
    ...common,
    digest: dataset.digest,
    images: { train: sets.train.length, holdout: sets.holdout.length },
    classImages: { train: count(sets.train), holdout: count(sets.holdout) },
    shards,
    rejected: [],
    ignored: 0,
    settings: {},
    madeWith: {},
  });
  await putJson(store, `${dataset.prefix}manifest.json`, manifest);
  const { part, names } = await writeShard(store, synthetic.prefix, 'synthetic', sets.synthetic);
  const images = names.map((name, i) => ({ name, seed: i, label: sets.synthetic[i]?.label ?? null }));
  await putJson(store, `${synthetic.prefix}synthetic-00000.json`, {
    shard: 0,
    archive: part,
    images,
  } satisfies ShardList);
  await putJson(store, `${synthetic.prefix}manifest.json`, {
    ...common,
    digest: synthetic.digest,
    images: images.length,
    counts: count(sets.synthetic),
    checkpoint: { prefix: 'runs/r/train/checkpoint-1/', kimg: 1, step: 1 },
    seed: 0,
    truncationPsi: 1,
    grid: 'grid.png',
    shards: [{ ...part, images: images.length, firstSeed: 0, list: 'synthetic-00000.json' }],
  } satisfies SyntheticManifest);
  return { dataset, synthetic };
}

async function writeShard(store: ObjectStore, prefix: string, name: string, images: Drawn[]) {
  const names = images.map((_, i) => `${name}/${String(i).padStart(5, '0')}.png`);
  async function* files() {
    for (const [i, { pixels }] of images.entries())
      yield { name: names[i] as string, bytes: await encodePng(pixels, SIDE, SIDE, 1) };
  }
  const folder = await makeScratchFolder('sets');
  try {
    const file = path.join(folder, 'shard.zip');
    await writeStoredZip(file, files());
    return { part: await putPart(store, prefix, `${name}-00000.zip`, { file }), names };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function digestOf(name: string, images: Drawn[]): string {
  const bytes = Buffer.concat(images.map(({ label, pixels }) => Buffer.concat([Buffer.of(label), pixels])));
  return sha256(Buffer.concat([Buffer.from(name), bytes])).slice(0, 12);
}
