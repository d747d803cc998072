/**
 * Which images are in balls around the images of another set, also without each one of that set:
 * what precision, recall, density, coverage and their intervals are made of. Each ball reaches to
 * the k-th nearest other image of its set.
 */
import { PairCache } from '../once.js';
import type { FeatureMatrix } from './feature-matrix.js';
import { jackknifeVariance, sampleVariance } from './intervals.js';
import { forEachInBalls, type Neighbors, neighborsWithin } from './neighbors.js';

/** Points in balls. Shells reach from the k-th to the next nearest image. */
export interface Balls {
  k: number;
  /** Number of balls that each point is in. */
  ballsOf: Int32Array;
  /** The first ball and the shells of points in at most one ball. */
  onlyBall: Int32Array;
  shellsOf: (number[] | null)[];
  /** Number of points in each ball, one of them, and the number in its shell. */
  pointsIn: Int32Array;
  onePoint: Int32Array;
  shellPoints: Int32Array;
  neighbors: Neighbors;
}

const known = new Map<number, PairCache<FeatureMatrix, Balls>>();

/** @throws RangeError unless there are more than k centers */
export function ballsAround(
  centers: FeatureMatrix,
  points: FeatureMatrix,
  k: number,
  onBlock?: () => void,
): Promise<Balls> {
  const cache = known.get(k) ?? new PairCache<FeatureMatrix, Balls>();
  known.set(k, cache);
  return cache.get(centers, points, () => findBalls(centers, points, k, onBlock));
}

async function findBalls(
  centers: FeatureMatrix,
  points: FeatureMatrix,
  k: number,
  onBlock?: () => void,
): Promise<Balls> {
  const neighbors = await neighborsWithin(centers, k, onBlock);
  const radii = (n: number) =>
    Float64Array.from(
      { length: centers.rows },
      (_, j) => neighbors.squared[j * neighbors.k + Math.min(n, neighbors.k) - 1] as number,
    );
  const found: Balls = {
    k,
    ballsOf: new Int32Array(points.rows),
    onlyBall: new Int32Array(points.rows).fill(-1),
    shellsOf: Array.from({ length: points.rows }, () => []),
    pointsIn: new Int32Array(centers.rows),
    onePoint: new Int32Array(centers.rows).fill(-1),
    shellPoints: new Int32Array(centers.rows),
    neighbors,
  };
  await forEachInBalls(
    points,
    centers,
    { inner: radii(k), outer: radii(k + 1) },
    onBlock,
    (i, j, isInner) => {
      if (isInner) countInside(found, i, j);
      else {
        found.shellPoints[j] = (found.shellPoints[j] as number) + 1;
        found.shellsOf[i]?.push(j);
      }
    },
  );
  return found;
}

function countInside(found: Balls, i: number, j: number): void {
  const balls = (found.ballsOf[i] as number) + 1;
  found.ballsOf[i] = balls;
  if (balls === 1) found.onlyBall[i] = j;
  else found.shellsOf[i] = null;
  found.pointsIn[j] = (found.pointsIn[j] as number) + 1;
  found.onePoint[j] = i;
}

/** Fraction of the points that are in a ball. */
export function fractionInside({ ballsOf }: Balls): number {
  return mean(ballsOf.map((balls) => (balls > 0 ? 1 : 0)));
}

/** Fraction of the balls that have a point. */
export function fractionCovered({ pointsIn }: Balls): number {
  return mean(pointsIn.map((points) => (points > 0 ? 1 : 0)));
}

/** Mean number of balls that a point is in, over k. */
export function density({ ballsOf, k }: Balls): number {
  return mean(ballsOf) / k;
}

function mean(values: Int32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Whether there are enough centers to leave one out. */
export function hasSpare({ k, pointsIn }: Balls): boolean {
  return pointsIn.length > k + 1;
}

/**
 * Squared standard error of the fraction of points in a ball: the jackknife of points and centers.
 * Without a center, its ball is gone, and the balls that reached to it or beyond grow to the next
 * nearest center.
 */
export function insideVariance(balls: Balls): number {
  const { ballsOf, onlyBall, shellsOf } = balls;
  const [n, m] = [ballsOf.length, balls.pointsIn.length];
  const change = new Float64Array(m);
  for (let i = 0; i < n; i++) {
    const shells = shellsOf[i];
    if (!shells) continue;
    const only = onlyBall[i] as number;
    if (only >= 0) {
      const stays = shells.some((shell) => reaches(balls, shell, only));
      if (!stays) change[only] = (change[only] as number) - 1;
      continue;
    }
    const entered = new Set(shells.flatMap((shell) => reached(balls, shell)));
    for (const center of entered)
      if (shells.some((shell) => shell !== center && reaches(balls, shell, center)))
        change[center] = (change[center] as number) + 1;
  }
  const inside = Float64Array.from(ballsOf, (count) => (count > 0 ? 1 : 0));
  return sampleVariance(inside) / n + jackknifeVariance(change.map((count) => count / n));
}

/** The same of the fraction of balls that have a point. */
export function coveredVariance(balls: Balls): number {
  const { pointsIn, onePoint, shellPoints, ballsOf } = balls;
  const [n, m] = [ballsOf.length, pointsIn.length];
  const lost = new Float64Array(n);
  const covered = pointsIn.reduce((sum, points) => sum + (points > 0 ? 1 : 0), 0);
  const without = Float64Array.from(pointsIn, (points) => covered - (points > 0 ? 1 : 0));
  for (let j = 0; j < m; j++) {
    const point = onePoint[j] as number;
    if (pointsIn[j] === 1) lost[point] = (lost[point] as number) - 1;
    if (pointsIn[j] === 0 && (shellPoints[j] as number) > 0)
      for (const center of reached(balls, j)) without[center] = (without[center] as number) + 1;
  }
  return (
    jackknifeVariance(lost.map((count) => count / m)) + jackknifeVariance(without.map((c) => c / (m - 1)))
  );
}

/** The same of the density. */
export function densityVariance(balls: Balls): number {
  const { pointsIn, shellPoints, ballsOf, k } = balls;
  const n = ballsOf.length;
  const change = Float64Array.from(pointsIn, (points) => -points);
  for (let j = 0; j < pointsIn.length; j++)
    for (const center of reached(balls, j))
      change[center] = (change[center] as number) + (shellPoints[j] as number);
  const own = Float64Array.from(ballsOf, (count) => count / k);
  return sampleVariance(own) / n + jackknifeVariance(change.map((count) => count / (k * n)));
}

/** The k centers nearest to a center: without one of them, its ball grows. */
function reached({ neighbors, k }: Balls, center: number): number[] {
  return Array.from(neighbors.indices.subarray(center * neighbors.k, center * neighbors.k + k));
}

function reaches({ neighbors, k }: Balls, center: number, other: number): boolean {
  return neighbors.indices.subarray(center * neighbors.k, center * neighbors.k + k).includes(other);
}
