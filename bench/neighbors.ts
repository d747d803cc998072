/**
 * Measures the search of nearest neighbors that precision, recall, density and coverage are made
 * of: time and peak memory with all features in memory. Prints one line of JSON.
 */
import { RandomStream } from '../src/core/random.js';
import { firstRows } from '../src/evaluation/metrics/feature-matrix.js';
import { nearestNeighbors } from '../src/evaluation/metrics/neighbors.js';

const NEIGHBORS = 5;
const [rows, columns, queries] = process.argv.slice(2).map(Number);

if (rows && columns && queries) {
  // As an evaluation has them: both sets, of which a part asks for its neighbors in the other.
  const [real, fake] = [1, 2].map((seed) => randomFeatures(rows, columns, seed)) as [Features, Features];
  const start = performance.now();
  await nearestNeighbors(firstRows(fake, queries), real, NEIGHBORS);
  const seconds = (performance.now() - start) / 1000;
  // All images ask at once in an evaluation, and each is copied once.
  const rest = (rows - queries) * columns * Float32Array.BYTES_PER_ELEMENT;
  const measured = process.resourceUsage().maxRSS * 1024;
  const held = fake.rows;
  process.stdout.write(`${JSON.stringify({ rows: held, columns, queries, seconds, measured, rest })}\n`);
}

type Features = ReturnType<typeof randomFeatures>;

/** Uniform values, which are quickly drawn. */
function randomFeatures(count: number, width: number, seed: number) {
  const random = new RandomStream(seed, 'features');
  const pattern = Float32Array.from({ length: 65_537 }, () => random.uniform());
  const data = new Float32Array(count * width);
  for (let i = 0; i < data.length; i++) data[i] = pattern[(i * 7 + (i >> 11)) % pattern.length] as number;
  return { rows: count, columns: width, data };
}
