/**
 * Lists and plans a source of many files, as the first step of preprocessing, and measures the peak
 * memory of the process. The files are tiny; those of a bucket are listed only. Prints one line of
 * JSON.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { StoreError } from '../src/core/errors.js';
import { planDataset } from '../src/imaging/index.js';
import { StoreSource } from '../src/imaging/source/store-source.js';
import { preprocessSchema } from '../src/spec/preprocess.js';
import { type ObjectStore, openStore, sha256 } from '../src/storage/index.js';

export interface ListingResult {
  kind: string;
  files: number;
  seconds: number;
  cpuSeconds: number;
  peakBytes: number;
  shards: number;
}

const CLASSES = 5;
const FILES_A_FOLDER = 5000;

function* names(count: number): Generator<string> {
  for (let i = 0; i < count; i++) {
    const folder = `grade${Math.floor(i / FILES_A_FOLDER) % CLASSES}/part-${Math.floor(i / FILES_A_FOLDER)}`;
    yield `${folder}/${sha256(String(i)).slice(0, 12)}-${i}.png`;
  }
}

function writeFiles(folder: string, count: number): void {
  for (const [i, name] of [...names(count)].entries()) {
    const file = path.join(folder, name);
    if (i % FILES_A_FOLDER === 0) mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, String(i));
  }
}

/** A bucket that lists objects and holds none. */
function emptyBucket(uri: string, count: number): ObjectStore {
  async function* list() {
    let i = 0;
    for (const key of names(count))
      yield { key, bytes: 1000 + (i % 977), etag: `"${sha256(String(i++)).slice(0, 32)}"`, modifiedMs: 0 };
  }
  const getStream = () => Promise.reject(new StoreError({ what: 'is not there', where: uri }));
  return { uri, list, getStream } as unknown as ObjectStore;
}

async function benchListing(kind: string, count: number, folder: string): Promise<ListingResult> {
  const uri = kind === 'folder' ? path.join(folder, 'source') : 's3://bench/';
  const spec = preprocessSchema.parse({ source: uri, resolution: 32, duplicates: 'exact', window: 'full' });
  const store = openStore(path.join(folder, 'store'));
  const source = kind === 'folder' ? undefined : new StoreSource(uri, emptyBucket(uri, count));
  const start = performance.now();
  const before = process.cpuUsage();
  const { shards } = await planDataset(store, spec, {}, source);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  return { kind, files: count, seconds, cpuSeconds: (user + system) / 1e6, peakBytes, shards };
}

const [kind, count, folder] = process.argv.slice(2);
if (kind && count && process.argv[1]?.endsWith('listing.js')) {
  if (kind === 'write') writeFiles(path.join(folder as string, 'source'), Number(count));
  else process.stdout.write(`${JSON.stringify(await benchListing(kind, Number(count), folder as string))}\n`);
}
