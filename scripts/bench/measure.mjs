/** Runs the measured programs, and installs the Python packages of the peers. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../setup/parts.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PEER_PACKAGES = ['torch', 'numpy', 'pillow'];

/** @returns the last line of the standard output of a program, parsed as JSON */
export function measure(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) fail(`${path.basename(args[0])} ended with code ${status}; its output is above.`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/**
 * GIST_BENCH_PYTHON, or the Python of a virtual environment in the cache, which is created on first
 * use.
 *
 * @param more further packages that a benchmark needs
 */
export function peerPython(more = []) {
  if (process.env.GIST_BENCH_PYTHON) return process.env.GIST_BENCH_PYTHON;
  const folder = path.join(cacheFolder(), 'bench-venv');
  const python = path.join(folder, 'bin', 'python');
  const packages = [...PEER_PACKAGES, ...more];
  const modules = ['torch', 'numpy', 'PIL', ...more.map((name) => name.replaceAll('-', '_'))];
  const isReady =
    existsSync(python) && spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0;
  if (isReady) return python;
  process.stderr.write(`bench: installing ${packages.join(', ')} into ${folder}\n`);
  const steps = [
    [process.env.PYTHON ?? 'python3', ['-m', 'venv', folder]],
    [python, ['-m', 'pip', 'install', ...packages]],
  ];
  for (const [command, args] of steps) {
    if (spawnSync(command, args, { stdio: ['ignore', 2, 2] }).status !== 0)
      fail(
        'the packages of the peer could not be installed; set GIST_BENCH_PYTHON to a Python with torch, numpy and pillow.',
      );
  }
  return python;
}

export function machine() {
  return `${cpus()[0].model.trim()}, ${availableParallelism()} threads`;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function fail(message) {
  process.stderr.write(`bench: ${message}\n`);
  process.exit(1);
}
