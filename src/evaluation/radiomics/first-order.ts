/** Statistics of gray values without regard to their places (IBSI, section 3.3). */
import { type GrayImage, plogp } from './gray-levels.js';

/** Added before squares are summed, as in FRD version 1: normalized values are negative too. */
const SHIFT = 300;

export function firstOrderFeatures({ values, levels, grays }: GrayImage): Record<string, number> {
  const n = values.length;
  const sorted = values.toSorted();
  const [p10, p25, median, p75, p90] = [10, 25, 50, 75, 90].map((percent) => percentile(sorted, percent)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const mean = meanOf(values);
  const moment = (order: number) => meanOf(values.map((value) => (value - mean) ** order));
  const variance = moment(2);
  const energy = values.reduce((sum, value) => sum + (value + SHIFT) ** 2, 0);
  const middle = values.filter((value) => value >= p10 && value <= p90);
  const middleMean = meanOf(middle);
  const shares = new Float64Array(grays.length);
  for (const level of levels) shares[level] = (shares[level] as number) + 1 / n;
  const [minimum, maximum] = [sorted[0] as number, sorted[n - 1] as number];
  return {
    '10Percentile': p10,
    '90Percentile': p90,
    Energy: energy,
    Entropy: -shares.reduce((sum, p) => sum + plogp(p), 0),
    InterquartileRange: p75 - p25,
    Kurtosis: variance > 0 ? moment(4) / variance ** 2 : 0,
    Maximum: maximum,
    MeanAbsoluteDeviation: meanOf(values.map((value) => Math.abs(value - mean))),
    Mean: mean,
    Median: median,
    Minimum: minimum,
    Range: maximum - minimum,
    RobustMeanAbsoluteDeviation: meanOf(middle.map((value) => Math.abs(value - middleMean))),
    RootMeanSquared: Math.sqrt(energy / n),
    Skewness: variance > 0 ? moment(3) / variance ** 1.5 : 0,
    TotalEnergy: energy,
    Uniformity: shares.reduce((sum, p) => sum + p * p, 0),
    Variance: variance,
  };
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Between the two nearest values, linearly. */
function percentile(sorted: Float64Array, percent: number): number {
  const at = ((sorted.length - 1) * percent) / 100;
  const [below, above] = [sorted[Math.floor(at)] as number, sorted[Math.ceil(at)] as number];
  return below + (above - below) * (at - Math.floor(at));
}
