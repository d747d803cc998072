/** Waiting times of 500 runs on eight simulated devices, by kind of work. */
import { loadavg } from 'node:os';
import path from 'node:path';
import { machine, measure, ROOT } from './measure.mjs';

const RUNS = { full: 500, quick: 60 };

export function benchQueues(isQuick) {
  const loadBefore = loadavg()[0];
  const runs = isQuick ? RUNS.quick : RUNS.full;
  return {
    machine: machine(),
    loadBefore,
    ...measure(process.execPath, [path.join(ROOT, 'dist/bench/queues.js'), String(runs)]),
  };
}

export function queuesTable({ machine: on, loadBefore, runs, devices, trainingSeconds, ...rest }) {
  const { seconds, waiting, shares, longestPause } = rest;
  const line = ({ kind, count, medianSeconds, mostSeconds, longestSeconds }) =>
    `  ${kind.padEnd(24)} ${String(count).padStart(6)}  ${[medianSeconds, mostSeconds, longestSeconds].map((value) => `${value.toFixed(2)} s`.padStart(9)).join(' ')}`;
  return [
    `queues: ${runs} runs on ${devices} simulated devices, trainings of ${trainingSeconds} s, in ${seconds.toFixed(0)} s, on ${on} (load before: ${loadBefore.toFixed(2)})`,
    `  ${'waits'.padEnd(24)}  count     median      95 %   longest`,
    ...waiting.map(line),
    `  when the first sweep began its last training, the sweeps had begun ${shares.join(', ')}`,
    `  longest time without a start for a sweep: ${longestPause.toFixed(1)} trainings`,
    '',
  ].join('\n');
}
