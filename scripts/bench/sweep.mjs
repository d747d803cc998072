/** A sweep of 500 runs whose workers are killed: histories, overhead, and what was lost. */
import { loadavg } from 'node:os';
import path from 'node:path';
import { machine, measure, ROOT } from './measure.mjs';

const CHILDREN = { full: 500, quick: 60 };
const HOUR = 3600;

export function benchSweep(isQuick) {
  const loadBefore = loadavg()[0];
  const children = isQuick ? CHILDREN.quick : CHILDREN.full;
  const outcome = measure(process.execPath, [path.join(ROOT, 'dist/bench/sweep.js'), String(children)]);
  return { machine: machine(), loadBefore, ...outcome };
}

export function sweepTable({ machine: on, loadBefore, children, kills, seconds, ...rest }) {
  const { sweepEvents, sweepBytes, executions, childEvents, childBytes, overhead, cpuSeconds } = rest;
  const share = (value) => `${((100 * value) / HOUR).toFixed(2)} %`;
  return [
    `sweep: ${children} runs, ${kills} kills of workers, ${seconds.toFixed(0)} s, on ${on} (load before: ${loadBefore.toFixed(2)})`,
    `  lost ${rest.lost}, doubled ${rest.doubled}; every training ended once`,
    `  longest history: sweep ${sweepEvents} events, ${(sweepBytes / 1e3).toFixed(0)} kB (${executions} histories); run ${childEvents} events, ${(childBytes / 1e3).toFixed(0)} kB`,
    `  time of a run beside its training: median ${overhead.median.toFixed(1)} s, longest ${overhead.longest.toFixed(1)} s: ${share(overhead.median)} and ${share(overhead.longest)} of an hour`,
    `  CPU of server and workers: ${cpuSeconds.toFixed(1)} s for each run, ${share(cpuSeconds)} of an hour`,
    '',
  ].join('\n');
}
