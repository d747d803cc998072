/** Measures the memory and the time of listing and planning sources of up to a million files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fail, machine, measure, ROOT } from './measure.mjs';

const FILES = { full: [1000, 200_000, 1_000_000], quick: [1000, 50_000] };
const PROGRAM = path.join(ROOT, 'dist/bench/listing.js');

export function benchListing(isQuick, { files }) {
  const loadBefore = loadavg()[0];
  const counts = files ? [1000, Number(files)] : isQuick ? FILES.quick : FILES.full;
  const runs = counts.flatMap((count) => [benchBucket(count), ...benchFolder(count)]);
  return { machine: machine(), loadBefore, runs };
}

function inFolder(work) {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-bench-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function benchBucket(count) {
  return inFolder((folder) => measure(process.execPath, [PROGRAM, 'bucket', String(count), folder]));
}

/** Twice: the second listing knows the checksums of the first. */
function benchFolder(count) {
  return inFolder((folder) => {
    const write = [PROGRAM, 'write', String(count), folder];
    if (spawnSync(process.execPath, write, { stdio: 'inherit' }).status !== 0)
      fail('the files could not be written.');
    const run = () => measure(process.execPath, [PROGRAM, 'folder', String(count), folder]);
    return [run(), { ...run(), kind: 'folder, again' }];
  });
}

export function listingTable({ machine: on, loadBefore, runs }) {
  const line = ({ kind, files, seconds, cpuSeconds, peakBytes }) =>
    `  ${kind.padEnd(14)} ${String(files).padStart(8)} files  ${seconds.toFixed(1).padStart(6)} s  CPU ${cpuSeconds.toFixed(1).padStart(6)} s  ${(peakBytes / 1e6).toFixed(0).padStart(4)} MB peak`;
  return [
    `listing and planning, on ${on} (load before: ${loadBefore.toFixed(2)})`,
    ...runs.map(line),
    '',
  ].join('\n');
}
