/**
 * Preprocesses many small files through a real Temporal server and S3 server: with one worker, with
 * two, and once more after the source has grown. Prints one line of JSON.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { mapInOrder } from '../src/imaging/in-flight.js';
import { encodePng } from '../src/imaging/pixels/png.js';
import type { PipelineInput } from '../src/spec/pipeline.js';
import { RandomStream } from '../src/core/random.js';
import { Rig } from '../test/support/rig.js';
import { TestWorker } from '../test/support/worker.js';

export interface ScaleRun {
  name: string;
  seconds: number;
  /** Of the largest worker. */
  peakBytes: number;
  events: number;
  historyBytes: number;
}

const SIDE = 48;
const CONCURRENT_PUTS = 32;
const SAMPLE_MS = 250;
/** Files that are added before the last run, as a fraction. */
const GROWTH = 0.01;

async function benchScale(count: number): Promise<{ files: number; added: number; runs: ScaleRun[] }> {
  const rig = await Rig.start();
  const second = new TestWorker(rig.env, path.join(rig.folder, 'worker-2.log'));
  try {
    await putImages(rig, 0, count);
    pin(rig.worker.pid, 0);
    const one = await run(rig, 'one worker', [rig.worker], true);
    await second.start();
    pin(second.pid, 1);
    const two = await run(rig, 'two workers', [rig.worker, second], false);
    const added = Math.max(1, Math.round(count * GROWTH));
    await putImages(rig, count, added);
    const grown = await run(rig, 'two workers, source grown', [rig.worker, second], true);
    return { files: count, added, runs: [one, two, grown] };
  } finally {
    await second.end('SIGKILL');
    await rig.stop();
  }
}

/** Each worker has a processor of its own, as if it were a machine. */
function pin(pid: number, processor: number): void {
  const cpu = String(processor % availableParallelism());
  spawnSync('taskset', ['-a', '-c', '-p', cpu, String(pid)], { stdio: 'ignore' });
}

async function putImages(rig: Rig, from: number, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => from + i);
  const put = async (i: number) => rig.store.put(`raw/${String(i).padStart(7, '0')}.png`, await draw(i));
  for await (const _ of mapInOrder(numbers, CONCURRENT_PUTS, put));
}

function draw(seed: number): Promise<Uint8Array> {
  const random = new RandomStream(seed, 'scale');
  const [x0, y0] = [random.uniform() * SIDE, random.uniform() * SIDE];
  const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const distance = Math.hypot((i % SIDE) - x0, Math.floor(i / SIDE) - y0);
    return 40 + 200 * Math.exp(-distance / 12) + 8 * random.uniform();
  });
  return encodePng(pixels, SIDE, SIDE, 1);
}

async function run(
  rig: Rig,
  name: string,
  workers: readonly TestWorker[],
  cache: boolean,
): Promise<ScaleRun> {
  const spec: PipelineInput = {
    name: 'scale',
    stages: ['preprocess'],
    cache,
    preprocess: { source: `${rig.store.uri}raw/`, resolution: 32, labels: 'none', duplicates: 'exact' },
  };
  const start = performance.now();
  const id = `scale-${name.replaceAll(/\W+/g, '-')}`;
  const handle = await rig.startRun(id, spec);
  let peakBytes = 0;
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, ...workers.map(({ pid }) => residentBytes(pid)));
  }, SAMPLE_MS);
  await rig.result(id);
  clearInterval(sampling);
  const seconds = (performance.now() - start) / 1000;
  const { raw, historyLength } = await handle.describe();
  const historyBytes = Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0);
  return { name, seconds, peakBytes, events: historyLength, historyBytes };
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

const [count] = process.argv.slice(2);
if (count && process.argv[1]?.endsWith('scale.js'))
  process.stdout.write(`${JSON.stringify(await benchScale(Number(count)))}\n`);
