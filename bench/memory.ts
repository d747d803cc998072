/** Samples the memory of a trainer process during a training. Prints one line of JSON. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { superviseTrainer } from '../src/training/index.js';
import { trainSchema } from '../src/spec/train.js';
import { FileStore } from '../src/storage/file-store.js';
import { phantomSet } from './phantom-set.js';

export interface MemoryBenchJob {
  /** Number of phantom images in the training set. */
  images: number;
  resolution: number;
  steps: number;
  /** Steps between two snapshots. */
  snapshotSteps: number;
  /** The `train` section of a spec, without its length. */
  spec: Record<string, unknown> & { batch: number };
}

/** Memory of the trainer process at a reported step. */
export interface MemorySample {
  step: number;
  seconds: number;
  residentBytes: number;
}

export interface MemoryBenchResult {
  samples: MemorySample[];
  /** Peak resident memory, including compilation. */
  peakBytes: number;
  checkpoints: number;
}

const RUN = 'memory';

export async function benchMemory(job: MemoryBenchJob): Promise<MemoryBenchResult> {
  const work = await mkdtemp(path.join(tmpdir(), 'gist-memory-'));
  try {
    return await sampleTraining(job, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function sampleTraining(
  { images, resolution, steps, snapshotSteps, spec }: MemoryBenchJob,
  work: string,
): Promise<MemoryBenchResult> {
  const store = new FileStore(path.join(work, 'store'));
  const dataset = await phantomSet(store, path.join(work, 'phantoms'), { images, resolution, seed: 0 });
  const kimgOf = (count: number) => (count * spec.batch) / 1000;
  const train = trainSchema.parse({ ...spec, kimg: kimgOf(steps), snapshotKimg: kimgOf(snapshotSteps) });
  const result: MemoryBenchResult = { samples: [], peakBytes: 0, checkpoints: 0 };
  const started = performance.now();
  let pid = 0;
  await superviseTrainer(
    {
      storeUri: store.uri,
      runId: RUN,
      dataset,
      train,
      targetKimg: train.kimg,
      attempt: Date.now(),
      expected: null,
    },
    {
      env: { GIST_CACHE_DIR: path.join(work, 'cache') },
      onSpawn: (spawned) => {
        pid = spawned;
      },
      onEvent: (event) => {
        if (event.type === 'checkpoint') result.checkpoints++;
        if (event.type !== 'progress') return;
        const memory = memoryOf(pid);
        // Its last messages may be read after the process has ended.
        if (!memory) return;
        result.peakBytes = Math.max(result.peakBytes, memory.peakBytes);
        const seconds = (performance.now() - started) / 1000;
        result.samples.push({ step: event.step, seconds, residentBytes: memory.residentBytes });
      },
    },
  );
  return result;
}

/** Memory as reported by the kernel; null if the process has ended. */
function memoryOf(pid: number): { residentBytes: number; peakBytes: number } | null {
  const status = statusOf(pid);
  const bytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  const residentBytes = bytes('VmRSS');
  return residentBytes === 0 ? null : { residentBytes, peakBytes: bytes('VmHWM') };
}

/** Content of `/proc/PID/status`; empty if the process has ended. */
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
