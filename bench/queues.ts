/**
 * Runs of people and of sweeps share simulated devices: how long each kind of work waits. Prints
 * one line of JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { type Done, SimulatedCluster } from '../test/support/simulated-cluster.js';

const DEVICES = 8;
const SWEEPS = 3;
const SIZES = 50;
/** Runs of people, for each of which there are nine of sweeps. */
const PEOPLE = 0.1;
const TRAINING_MS = 2_000;

export interface Waiting {
  kind: string;
  count: number;
  medianSeconds: number;
  /** 95 % wait less. */
  mostSeconds: number;
  longestSeconds: number;
}

export interface QueuesOutcome {
  runs: number;
  devices: number;
  trainingSeconds: number;
  seconds: number;
  waiting: Waiting[];
  /** Trainings of each sweep that had begun when the first sweep had begun its last one. */
  shares: number[];
  /** Longest time in which a sweep with waiting runs got no device, in trainings of one device. */
  longestPause: number;
}

function kindOf({ type, runId }: Done): string {
  if (type === 'train') return runId.startsWith('person-') ? 'training of a person' : 'training of a sweep';
  if (type === 'generateShard' || type === 'extractShardFeatures') return 'images and features';
  if (type === 'evaluateSnapshot') return 'metrics of a snapshot';
  return ['planDataset', 'buildShard', 'assembleDataset', 'computeMetrics'].includes(type)
    ? 'data sets and metrics'
    : 'bookkeeping';
}

const sweepOf = (runId: string) => Number(/^sweep-(\d+)-/.exec(runId)?.[1] ?? -1);

async function benchQueues(runs: number): Promise<QueuesOutcome> {
  const cluster = await SimulatedCluster.start({
    train: TRAINING_MS,
    generateShard: 50,
    extractShardFeatures: 50,
    evaluateSnapshot: 50,
    computeMetrics: 50,
  });
  try {
    await cluster.startWorker('cpu');
    await Promise.all(Array.from({ length: DEVICES }, () => cluster.startWorker('gpu')));
    const started = Date.now();
    const people = Math.round(PEOPLE * runs);
    const ofSweep = (runs - people) / SWEEPS;
    const sweeps = await Promise.all(
      Array.from({ length: SWEEPS }, (_, i) => cluster.startSweep(`sweep-${i}`, sweepSpec(ofSweep))),
    );
    const between = (runs * TRAINING_MS) / DEVICES / people;
    const single = [];
    for (let i = 0; i < people; i++) {
      single.push(
        await cluster.startRun(`person-${i}`, { train: { kimg: 1, snapshotKimg: 1, stopWhen: null } }),
      );
      await sleep(0.7 * between);
    }
    await Promise.all([...sweeps, ...single].map((handle) => handle.result()));
    return outcomeOf(cluster.done, { runs, seconds: (Date.now() - started) / 1000 });
  } finally {
    await cluster.stop();
  }
}

function sweepSpec(runs: number) {
  const repeats = Math.max(1, Math.round(runs / SIZES));
  const run = {
    name: 'bench',
    preprocess: { source: '/data/bench' },
    train: { kimg: 1, snapshotKimg: 1, stopWhen: null },
  };
  const sizes = Array.from({ length: Math.round(runs / repeats) }, (_, i) => 100 * (i + 1));
  return { name: 'bench', run, sizes, repeats, parallel: 64 };
}

function outcomeOf(done: Done[], { runs, seconds }: { runs: number; seconds: number }): QueuesOutcome {
  const kinds = [...new Set(done.map(kindOf))].sort();
  const waiting = kinds.map((kind) => {
    const waits = done
      .filter((each) => kindOf(each) === kind)
      .map(({ waitedMs }) => waitedMs / 1000)
      .sort((a, b) => a - b);
    const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? 0;
    return {
      kind,
      count: waits.length,
      medianSeconds: at(0.5),
      mostSeconds: at(0.95),
      longestSeconds: at(1),
    };
  });
  const trainings = done
    .filter(({ type, runId }) => type === 'train' && sweepOf(runId) >= 0)
    .sort((a, b) => a.startedMs - b.startedMs);
  const starts = Array.from({ length: SWEEPS }, (_, i) =>
    trainings.filter(({ runId }) => sweepOf(runId) === i).map(({ startedMs }) => startedMs),
  );
  const firstEnd = Math.min(...starts.map((times) => times.at(-1) ?? 0));
  const pauses = starts.flatMap((times) => times.slice(1).map((time, i) => time - (times[i] ?? time)));
  return {
    runs,
    devices: DEVICES,
    trainingSeconds: TRAINING_MS / 1000,
    seconds,
    waiting,
    shares: starts.map((times) => times.filter((time) => time <= firstEnd).length),
    longestPause: Math.max(...pauses) / TRAINING_MS,
  };
}

Runtime.install({ logger: new DefaultLogger('ERROR') });
process.stdout.write(`${JSON.stringify(await benchQueues(Number(process.argv[2] ?? 500)))}\n`);
