/**
 * Preprocesses many small files through a real Temporal server and S3 server: with one worker, with
 * two, and once more after the source has grown. Prints one line of JSON, and progress on standard
 * error.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapInOrder } from '../src/imaging/in-flight.js';
import { encodePng } from '../src/imaging/pixels/png.js';
import type { PipelineInput } from '../src/spec/pipeline.js';
import { RandomStream } from '../src/core/random.js';
import { descendants } from '../test/support/processes.js';
import { Rig } from '../test/support/rig.js';
import { TestWorker } from '../test/support/worker.js';

export interface ScaleRun {
  name: string;
  seconds: number;
  /** Until the source is listed and planned. */
  planSeconds: number;
  /** Of the largest worker, before the run. */
  idleBytes: number;
  /** Of the largest worker. */
  peakBytes: number;
  /** Processor time of all workers. */
  workerCpuSeconds: number;
  /** Processor time of the two servers. */
  serverCpuSeconds: number;
  /** Of the longest history: the run's own, or that of a range of its shards. */
  events: number;
  historyBytes: number;
}

export interface ScaleResult {
  files: number;
  added: number;
  runs: ScaleRun[];
  /** Why not all runs were measured. */
  failure?: string;
}

const SIDE = 48;
const CONCURRENT_PUTS = 32;
const SAMPLE_MS = 250;
const LOOK_MS = 1000;
const NOTICE_SECONDS = 15;
/** Files that are added before the last run, as a fraction. */
const GROWTH = 0.01;
/** Unit of processor times in /proc. */
const TICKS_PER_SECOND = 100;

async function benchScale(count: number): Promise<ScaleResult> {
  const rig = await Rig.start({ startsWorker: false });
  const [first, second] = [1, 2].map(
    (i) => new TestWorker(rig.env, path.join(rig.folder, `worker-${i}.log`)),
  ) as [TestWorker, TestWorker];
  const added = Math.max(1, Math.round(count * GROWTH));
  const result: ScaleResult = { files: count, added, runs: [] };
  const measure = async (name: string, workers: TestWorker[], cache: boolean) => {
    result.runs.push(await run(rig, name, workers, cache));
    notice(JSON.stringify(result.runs.at(-1)));
  };
  try {
    await putImages(rig, 0, count);
    await first.start();
    pin(first.pid, 0);
    await measure('one worker', [first], true);
    await second.start();
    pin(second.pid, 1);
    await measure('two workers', [first, second], false);
    await putImages(rig, count, added);
    await measure('two workers, source grown', [first, second], true);
  } catch (error) {
    result.failure = error instanceof Error ? error.message : String(error);
    notice(result.failure);
  } finally {
    await Promise.all([first.end('SIGKILL'), second.end('SIGKILL')]);
    await rig.stop();
  }
  return result;
}

function notice(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

/** Each worker has a processor of its own, as if it were a machine. */
function pin(pid: number, processor: number): void {
  const cpu = String(processor % availableParallelism());
  spawnSync('taskset', ['-a', '-c', '-p', cpu, String(pid)], { stdio: 'ignore' });
}

async function putImages(rig: Rig, from: number, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => from + i);
  const put = async (i: number) => rig.store.put(`raw/${String(i).padStart(7, '0')}.png`, await draw(i));
  let done = 0;
  for await (const _ of mapInOrder(numbers, CONCURRENT_PUTS, put))
    if (++done % 10_000 === 0 || done === count) notice(`${done} of ${count} files stored`);
}

function draw(seed: number): Promise<Uint8Array> {
  const random = new RandomStream(seed, 'scale');
  const [x0, y0] = [random.uniform() * SIDE, random.uniform() * SIDE];
  const noise = Float32Array.from({ length: 64 }, () => 8 * random.uniform());
  const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const distance = Math.hypot((i % SIDE) - x0, Math.floor(i / SIDE) - y0);
    return 40 + 200 * Math.exp(-distance / 12) + (noise[(i * 31) % noise.length] as number);
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
  const servers = [...descendants(process.pid, 'temporal'), rig.s3.pid];
  const cpu = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const ofWorkers = workers.map(({ pid }) => pid);
  const before = { workers: cpu(ofWorkers), servers: cpu(servers) };
  const start = performance.now();
  const secondsSince = () => (performance.now() - start) / 1000;
  const id = `scale-${name.replaceAll(/\W+/g, '-')}`;
  const handle = await rig.startRun(id, spec);
  const memory = () => Math.max(...ofWorkers.map(residentBytes));
  const idleBytes = memory();
  let peakBytes = idleBytes;
  let planSeconds = 0;
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, memory());
  }, SAMPLE_MS);
  let noticed = 0;
  const ended = rig.result(id).finally(() => clearInterval(sampling));
  const isEnded = ended.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([isEnded, sleep(LOOK_MS, false)]))) {
    const progress = await rig.progress(handle).catch(() => undefined);
    if (progress && progress.total > 0 && planSeconds === 0) planSeconds = secondsSince();
    if (secondsSince() < noticed + NOTICE_SECONDS) continue;
    noticed = secondsSince();
    const { done, total, unit } = progress ?? {};
    notice(
      `${name}, ${noticed.toFixed(0)} s: ${total ? `${done} of ${total} ${unit}` : 'listing, planning'}`,
    );
  }
  await ended;
  const seconds = secondsSince();
  return {
    name,
    seconds,
    planSeconds,
    idleBytes,
    peakBytes,
    workerCpuSeconds: cpu(ofWorkers) - before.workers,
    serverCpuSeconds: cpu(servers) - before.servers,
    ...(await largestHistory(rig, id)),
  };
}

/** Of the run and of the workflows that it started for ranges of shards. */
async function largestHistory(rig: Rig, id: string): Promise<{ events: number; historyBytes: number }> {
  const largest = { events: 0, historyBytes: 0 };
  for await (const { workflowId } of rig.client.workflow.list()) {
    if (!workflowId.startsWith(id)) continue;
    const { raw, historyLength } = await rig.client.workflow.getHandle(workflowId).describe();
    if (historyLength <= largest.events) continue;
    largest.events = historyLength;
    largest.historyBytes = Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0);
  }
  return largest;
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

/** User and system time of all threads of a process. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The fields after the name in parentheses, of which the 12th and 13th are the times.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const [count] = process.argv.slice(2);
if (count && process.argv[1]?.endsWith('scale.js'))
  process.stdout.write(`${JSON.stringify(await benchScale(Number(count)))}\n`);
