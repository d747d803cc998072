/** Measures preprocessing of many small files through Temporal and S3, with one and two workers. */
import { loadavg } from 'node:os';
import path from 'node:path';
import { machine, measure, ROOT } from './measure.mjs';

const FILES = { full: 100_000, quick: 5000 };

export function benchScale(isQuick, { files }) {
  const count = Number(files ?? (isQuick ? FILES.quick : FILES.full));
  const loadBefore = loadavg()[0];
  const result = measure(process.execPath, [path.join(ROOT, 'dist/bench/scale.js'), String(count)]);
  return { machine: machine(), loadBefore, ...result };
}

export function scaleTable({ machine: on, loadBefore, files, added, runs, failure }) {
  const [one, two] = runs;
  const line = (run) =>
    [
      `  ${run.name.padEnd(26)} ${run.seconds.toFixed(1).padStart(7)} s`,
      `${(files / run.seconds).toFixed(0).padStart(5)} images/s`,
      `planned after ${run.planSeconds.toFixed(0)} s`,
      `${(run.peakBytes / 1e6).toFixed(0).padStart(4)} MB peak of a worker (idle ${(run.idleBytes / 1e6).toFixed(0)})`,
      `CPU ${run.workerCpuSeconds.toFixed(0)} s workers, ${run.serverCpuSeconds.toFixed(0)} s servers`,
      `longest history ${run.events} events, ${(run.historyBytes / 1e3).toFixed(0)} kB`,
    ].join('  ');
  return [
    `scale: ${files} files of 48 px in S3 to 32 px, on ${on} (load before: ${loadBefore.toFixed(2)})`,
    ...runs.map(line),
    ...(two ? [`  two workers take ${(two.seconds / one.seconds).toFixed(2)} of the time of one`] : []),
    `  ${added} files are added before the last run`,
    ...(failure ? [`  not finished: ${failure}`] : []),
    '',
  ].join('\n');
}
