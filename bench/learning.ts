/**
 * Curves of fd_effnetlite0 over kimg of GIST, of the PyTorch peer, and of GIST with transfer
 * learning from another data set.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { CurvePoint, DatasetRef } from '../src/spec/results.js';
import { type Curve, type LearningJob, trainSpec } from './learning/job.js';
import { SavedCurves } from './learning/saved-curves.js';

/**
 * Saves each curve as soon as it is complete. A restarted benchmark only computes the missing ones.
 */
export async function benchLearning(job: LearningJob): Promise<Curve[]> {
  await Promise.all([job.work, job.out].map((folder) => mkdir(folder, { recursive: true })));
  const saved = new SavedCurves(job);
  for (const seed of job.seeds) {
    for (const who of job.who) {
      if (saved.has(who, seed)) continue;
      process.stderr.write(`${new Date().toISOString()} ${job.spec.cfg}, ${who}, seed ${seed}\n`);
      saved.add({
        who,
        seed,
        points: await (who === 'peer' ? peerCurve(job, seed) : ourCurve(job, who, seed)),
      });
    }
  }
  saved.draw();
  return saved.curves;
}

async function store(job: LearningJob) {
  const { FileStore } = await import('../src/storage/file-store.js');
  return new FileStore(path.join(job.work, 'store'));
}

/**
 * Data set of phantom knees; `other`: other patients, most of them ill, as the source of transfer
 * learning.
 */
async function dataset(job: LearningJob, which: 'target' | 'other'): Promise<DatasetRef> {
  const { phantomSet } = await import('./phantom-set.js');
  const isOther = which === 'other';
  return phantomSet(await store(job), path.join(job.work, `phantoms-${which}`), {
    images: job.images,
    resolution: job.resolution,
    seed: isOther ? 1000 : 0,
    ...(isOther && { classes: [1, 1, 2, 4, 8] }),
  });
}

async function train(
  job: LearningJob,
  runId: string,
  data: DatasetRef,
  spec: Record<string, unknown>,
): Promise<void> {
  const { superviseTrainer } = await import('../src/training/index.js');
  const { uri } = await store(job);
  await superviseTrainer({
    storeUri: uri,
    runId,
    dataset: data,
    train: trainSpec(job, spec),
    targetKimg: job.kimg,
    attempt: Date.now(),
    expected: null,
  });
}

async function ourCurve(job: LearningJob, who: 'ours' | 'transfer', seed: number): Promise<CurvePoint[]> {
  const runId = `${who}-${seed}`;
  const data = await dataset(job, 'target');
  if (who === 'transfer')
    await train(job, `other-${seed}`, await dataset(job, 'other'), { seed: seed + 1000 });
  await train(job, runId, data, { seed, ...(who === 'transfer' ? { resume: `other-${seed}` } : {}) });
  const { listSnapshots } = await import('../src/checkpoints/index.js');
  const { evaluateSnapshot } = await import('../src/evaluation/index.js');
  const target = await store(job);
  const points: CurvePoint[] = [];
  for (const snapshot of await listSnapshots(target, runId)) {
    const input = { runId, dataset: data, train: trainSpec(job, { seed }), snapshot };
    points.push(...(await evaluateSnapshot(target, input, () => undefined)));
  }
  return points;
}

async function peerCurve(job: LearningJob, seed: number): Promise<CurvePoint[]> {
  const data = await dataset(job, 'target');
  const { loadTrainingSet } = await import('../src/imaging/dataset/dataset-reader.js');
  const { encodeNpy, rawImages } = await import('./learning/exchange.js');
  const images = await loadTrainingSet(await store(job), data.prefix, path.join(job.work, 'cache'));
  const folder = path.join(job.work, `peer-${seed}`);
  await mkdir(folder, { recursive: true });
  const pixels = Array.from({ length: images.count }, (_, i) => images.pixels(i));
  const { resolution, channels } = images;
  const file = path.join(folder, 'images.npy');
  await writeFile(file, encodeNpy(pixels, resolution, channels));
  await promisify(execFile)(job.python, [
    'bench/peers/learning_pytorch.py',
    file,
    folder,
    ...peerFlags(job, seed, channels),
  ]);
  const { COMPUTATIONS } = await import('../src/evaluation/metrics/registry.js');
  const { extractFeatures } = await import('../src/evaluation/features.js');
  const real = await extractFeatures(rawImages(pixels, resolution, channels));
  const points: CurvePoint[] = [];
  for (const name of (await readdir(folder)).filter((one) => one.endsWith('.raw')).sort(byKimg)) {
    const made = await readFile(path.join(folder, name));
    const length = resolution * resolution * channels;
    const split = Array.from({ length: job.count }, (_, i) => made.subarray(i * length, (i + 1) * length));
    const fake = await extractFeatures(rawImages(split, resolution, channels));
    const { '': value } = await COMPUTATIONS.fd.compare(fake, real, () => undefined);
    points.push({ kimg: Number.parseFloat(name), metric: 'fd_effnetlite0', value });
  }
  return points;
}

function byKimg(a: string, b: string): number {
  return Number.parseFloat(a) - Number.parseFloat(b);
}

function peerFlags(job: LearningJob, seed: number, channels: number): string[] {
  const { cfg, batch, gamma, glr, emaKimg, cbase, cmax, mapDepth, zDim, wDim } = job.spec;
  const flags = {
    cfg,
    resolution: job.resolution,
    channels,
    cbase,
    cmax,
    map_depth: mapDepth,
    z: zDim,
    w: wDim,
    batch,
    gamma,
    lr: glr,
    ema_kimg: emaKimg,
    kimg: job.kimg,
    snapshot_kimg: job.snapshotKimg,
    count: job.count,
    threads: job.threads,
    seed,
  };
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

const job = process.argv[2];
if (job) {
  console.log = console.error;
  const curves = await benchLearning(JSON.parse(job) as LearningJob);
  process.stdout.write(`${JSON.stringify({ curves })}\n`);
  process.exit(0);
}
