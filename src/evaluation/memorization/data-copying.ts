/**
 * The data-copying statistic C_T (Meehan, Chaudhuri and Dasgupta 2020, "A Non-Parametric Test to
 * Detect Data-Copying in Generative Models", section 3): are synthetic images nearer to the
 * training images than unseen images are, cell by cell?
 */
import { RandomStream } from '../../core/random.js';
import { rankSum } from '../analyses/calibration.js';
import { type FeatureMatrix, rowsAt } from '../metrics/feature-matrix.js';
import { nearestNeighbors } from '../metrics/neighbors.js';

/** Mean number of unseen images in a cell, and limits of the number of cells. */
const CELL_IMAGES = 30;
const MAX_CELLS = 10;
/** Cells with fewer images of either set have no statistic. */
const LEAST_IN_CELL = 5;
const ROUNDS = 10;
const SEED = 0;

/** Features and the distance to the nearest training image of each image. */
export interface MeasuredSet {
  features: FeatureMatrix;
  distances: Float64Array;
}

/**
 * About standard normal for a generator that does not copy; negative: the synthetic images are
 * nearer. null: no cell has enough images of both sets.
 */
export async function dataCopying(
  train: FeatureMatrix,
  holdout: MeasuredSet,
  synthetic: MeasuredSet,
  onBlock: () => void,
): Promise<number | null> {
  const cells = Math.max(1, Math.min(MAX_CELLS, Math.floor(holdout.features.rows / CELL_IMAGES)));
  const centers = await cellCenters(train, cells, onBlock);
  const cellsOf = async (set: MeasuredSet) =>
    (await nearestNeighbors(set.features, centers, 1, { onBlock })).indices;
  const [real, fake] = [await cellsOf(holdout), await cellsOf(synthetic)];
  let [sum, weights] = [0, 0];
  for (let cell = 0; cell < cells; cell++) {
    const inCell = (indices: Int32Array, { distances }: MeasuredSet) =>
      distances.filter((_, i) => indices[i] === cell);
    const [q, p] = [inCell(fake, synthetic), inCell(real, holdout)];
    if (Math.min(q.length, p.length) < LEAST_IN_CELL) continue;
    sum += p.length * standardizedRankSum(q, p);
    weights += p.length;
  }
  return weights === 0 ? null : sum / weights;
}

/** Z of the Mann-Whitney statistic: negative when values of `a` are smaller. */
function standardizedRankSum(a: Float64Array, b: Float64Array): number {
  const pairs = a.length * b.length;
  return (rankSum(a, b) - pairs / 2) / Math.sqrt((pairs * (a.length + b.length + 1)) / 12);
}

/** Centers by k-means (Lloyd 1982), from random images. */
async function cellCenters(set: FeatureMatrix, cells: number, onBlock: () => void): Promise<FeatureMatrix> {
  const random = new RandomStream(SEED, 'cells');
  const order = random.shuffle(Array.from({ length: set.rows }, (_, i) => i));
  let centers = rowsAt(set, Int32Array.from(order.slice(0, cells)));
  for (let round = 0; round < ROUNDS && cells > 1; round++) {
    const { indices } = await nearestNeighbors(set, centers, 1, { onBlock });
    centers = meansOf(set, indices, centers);
  }
  return centers;
}

/** Mean of the images of each cell; an empty cell keeps its center. */
function meansOf(set: FeatureMatrix, cells: Int32Array, before: FeatureMatrix): FeatureMatrix {
  const { columns } = set;
  const data = new Float64Array(before.rows * columns);
  const counts = new Int32Array(before.rows);
  for (const [i, cell] of cells.entries()) {
    counts[cell] = (counts[cell] as number) + 1;
    for (let j = 0; j < columns; j++)
      data[cell * columns + j] = (data[cell * columns + j] as number) + (set.data[i * columns + j] as number);
  }
  for (const [cell, count] of counts.entries())
    for (let j = cell * columns; j < (cell + 1) * columns; j++)
      data[j] = count > 0 ? (data[j] as number) / count : (before.data[j] as number);
  return { rows: before.rows, columns, data };
}
