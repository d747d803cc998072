/** Measures whether a training's memory is flat: has the trainer train, looks at its process from outside, prints one JSON line. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { superviseTrainer } from '../src/training/index.js';
import { trainSchema } from '../src/spec/train.js';
import { FileStore } from '../src/storage/file-store.js';
import { phantomSet } from './phantom-set.js';

export interface MemoryBenchJob {
  /** Phantoms that it trains on. */
  images: number;
  resolution: number;
  steps: number;
  /** Between two snapshots. */
  snapshotSteps: number;
  /** The `train` part of a spec, but for its length. */
  spec: Record<string, unknown> & { batch: number };
}

/** The trainer process at a step that it told of. */
export interface MemoryLook {
  step: number;
  seconds: number;
  residentBytes: number;
}

export interface MemoryBenchResult {
  looks: MemoryLook[];
  /** The most that was ever resident, compiling included. */
  peakBytes: number;
  checkpoints: number;
}

const RUN = 'memory';

export async function benchMemory(job: MemoryBenchJob): Promise<MemoryBenchResult> {
  const work = await mkdtemp(path.join(tmpdir(), 'gist-memory-'));
  try {
    return await watchTraining(job, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function watchTraining(
  { images, resolution, steps, snapshotSteps, spec }: MemoryBenchJob,
  work: string,
): Promise<MemoryBenchResult> {
  const store = new FileStore(path.join(work, 'store'));
  const dataset = await phantomSet(store, path.join(work, 'phantoms'), { images, resolution, seed: 0 });
  const kimgOf = (count: number) => (count * spec.batch) / 1000;
  const train = trainSchema.parse({ ...spec, kimg: kimgOf(steps), snapshotKimg: kimgOf(snapshotSteps) });
  const result: MemoryBenchResult = { looks: [], peakBytes: 0, checkpoints: 0 };
  const started = performance.now();
  let pid = 0;
  await superviseTrainer(
    { storeUri: store.uri, runId: RUN, dataset, train, targetKimg: train.kimg, attempt: Date.now() },
    {
      env: { GIST_CACHE_DIR: path.join(work, 'cache') },
      onSpawn: (spawned) => {
        pid = spawned;
      },
      onEvent: (event) => {
        if (event.type === 'checkpoint') result.checkpoints++;
        if (event.type !== 'progress') return;
        const memory = memoryOf(pid);
        // Its last words may be read when it is gone.
        if (!memory) return;
        result.peakBytes = Math.max(result.peakBytes, memory.peakBytes);
        const seconds = (performance.now() - started) / 1000;
        result.looks.push({ step: event.step, seconds, residentBytes: memory.residentBytes });
      },
    },
  );
  return result;
}

/** As the kernel tells; null of a process that has ended. */
function memoryOf(pid: number): { residentBytes: number; peakBytes: number } | null {
  const status = statusOf(pid);
  const bytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  const residentBytes = bytes('VmRSS');
  return residentBytes === 0 ? null : { residentBytes, peakBytes: bytes('VmHWM') };
}

/** Empty once the process is gone, which may be before its last words are read. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

const job = process.argv[2];
if (job) {
  console.log = console.error;
  process.stdout.write(`${JSON.stringify(await benchMemory(JSON.parse(job) as MemoryBenchJob))}\n`);
  process.exit(0);
}
