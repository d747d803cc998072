/**
 * Measures the algebra of the Fréchet distance: statistics of two sets of float32 features, and
 * their distance. Prints one line of JSON.
 */
import { readFile } from 'node:fs/promises';
import { frechetDistance, gaussianStatistics } from '../src/evaluation/metrics/frechet-distance.js';
import { matmulTransposed } from '../src/nn/double-matrix.js';

const [first, second, columns] = process.argv.slice(2);
if (first && second && columns) {
  const sets = await Promise.all([first, second].map((file) => readFeatures(file, Number(columns))));
  // The library is loaded before the clock starts, as it is for the peer.
  const one = { rows: 1, columns: 1, data: Float64Array.of(1) };
  matmulTransposed(one, one);
  const start = performance.now();
  const [a, b] = sets.map(gaussianStatistics);
  const middle = performance.now();
  const value = frechetDistance(a as NonNullable<typeof a>, b as NonNullable<typeof b>);
  const end = performance.now();
  const cpu = process.resourceUsage();
  process.stdout.write(
    `${JSON.stringify({
      statisticsSeconds: (middle - start) / 1000,
      distanceSeconds: (end - middle) / 1000,
      cpuSeconds: (cpu.userCPUTime + cpu.systemCPUTime) / 1e6,
      peakBytes: cpu.maxRSS * 1024,
      value,
    })}\n`,
  );
}

async function readFeatures(file: string, width: number) {
  const bytes = await readFile(file);
  const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return { rows: data.length / width, columns: width, data };
}
