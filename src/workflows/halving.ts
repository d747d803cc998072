/**
 * Asynchronous successive halving: which settings continue (Li et al. 2020, "A system for massively
 * parallel hyperparameter tuning", algorithm 2).
 */
import {
  DEFAULT_SETTING,
  type HyperparameterSweepSpec,
  rungsOf,
  type SettingPoint,
} from '../spec/hyperparameter-sweep.js';
import type { SweepRun } from '../spec/sweep.js';

/** A setting whose runs at a rung have all ended. */
interface Ranked {
  runs: SweepRun<SettingPoint>[];
  mean: number;
}

/**
 * Runs of settings that continue at the next rung now: those among the best 1 in `factor` of all
 * that have ended there, without waiting for others. When nothing is left to wait for, the best one
 * of a rung continues in any case. The default always does, and takes no other one's place.
 */
export function promoted(
  runs: readonly SweepRun<SettingPoint>[],
  spec: Pick<HyperparameterSweepSpec, 'run' | 'halving'>,
): SettingPoint[] {
  const { halving } = spec;
  if (!halving) return [];
  const rungs = rungsOf(spec);
  const points: SettingPoint[] = [];
  let isOver = true;
  for (const [level, kimg] of rungs.slice(0, -1).entries()) {
    const next = rungs[level + 1] as number;
    const here = runs.filter(({ point }) => point.kimg === kimg);
    const above = new Set(runs.filter(({ point }) => point.kimg === next).map(({ point }) => point.setting));
    isOver &&= here.every(hasEnded);
    const ended = rankedSettings(here);
    const others = ended.filter(({ runs }) => runs[0]?.point.setting !== DEFAULT_SETTING);
    const places = Math.max(Math.floor(others.length / halving.factor), isOver ? 1 : 0);
    const best = [...others.slice(0, places), ...ended.filter((one) => !others.includes(one))];
    for (const { runs: own } of best)
      if (!above.has(own[0]?.point.setting ?? ''))
        points.push(...own.map(({ point }) => ({ ...point, kimg: next })));
    isOver &&= points.length === 0;
  }
  return points;
}

/** Settings whose runs at a rung have all ended, with a metric of at least one, the best first. */
function rankedSettings(here: readonly SweepRun<SettingPoint>[]): Ranked[] {
  const bySetting = new Map<string, SweepRun<SettingPoint>[]>();
  for (const run of here) {
    const { setting } = run.point;
    bySetting.set(setting, [...(bySetting.get(setting) ?? []), run]);
  }
  return [...bySetting.values()]
    .filter((runs) => runs.every(hasEnded))
    .flatMap((runs) => {
      const done = runs.filter(({ value }) => value !== undefined && Number.isFinite(value));
      const sum = done.reduce((total, { value }) => total + (value as number), 0);
      return done.length > 0 ? [{ runs: done, mean: sum / done.length }] : [];
    })
    .sort((a, b) => a.mean - b.mean);
}

function hasEnded({ state }: SweepRun<unknown>): boolean {
  return state !== 'waiting' && state !== 'running';
}
