/** The settings of GAN-train and GAN-test: the outcomes of several seeds, put together. */
import { RandomStream } from '../../core/random.js';
import type { ClassGroup, ClassifierNetwork, ClassifierPlan, TrainedOn } from '../../spec/gan-train-test.js';
import { type Classification, mean, scoreClassification } from './classification.js';
import { type ScoreIntervals, scoreIntervals } from './intervals.js';
import type { ClassifierOutcome } from './outcome.js';

/** In the order of table 2 of the paper. */
export const SETTINGS = {
  base: { trainedOn: 'real', testedOn: 'holdout' },
  gan_train: { trainedOn: 'synthetic', testedOn: 'holdout' },
  gan_test: { trainedOn: 'real', testedOn: 'synthetic' },
  real_and_synthetic: { trainedOn: 'real_and_synthetic', testedOn: 'holdout' },
} as const satisfies Record<string, { trainedOn: TrainedOn; testedOn: 'holdout' | 'synthetic' }>;
export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

export type ScoreName = 'accuracy' | 'balancedAccuracy' | 'precision' | 'recall' | 'f1' | 'auroc';

/** Classifiers of one setting, which differ by their seed. */
export interface SettingResult {
  seeds: Classification[];
  /** Mean over the seeds; null where a score is not defined. */
  mean: Record<ScoreName, number | null>;
  /** Standard deviation of the accuracy over the seeds; null for one. */
  spread: number | null;
  intervals: ScoreIntervals;
}

/** All settings of one network on one group of classes. */
export interface NetworkResult {
  network: ClassifierNetwork;
  group: ClassGroup;
  settings: Record<SettingName, SettingResult>;
}

const SCORES: readonly ScoreName[] = ['accuracy', 'balancedAccuracy', 'precision', 'recall', 'f1', 'auroc'];

/** @param outcomes in the order of the plan's jobs */
export function resultsOf({ groups, jobs }: ClassifierPlan, outcomes: ClassifierOutcome[]): NetworkResult[] {
  const own = jobs.map((job, i) => ({ job, outcome: outcomes[i] as ClassifierOutcome }));
  return groups.flatMap((group) => {
    const ofGroup = own.filter(({ job }) => job.classes.join('\n') === group.classes.join('\n'));
    const networks = [...new Set(ofGroup.map(({ job }) => job.network))];
    return networks.map((network) => {
      const ofNetwork = ofGroup.filter(({ job }) => job.network === network);
      const settings = Object.fromEntries(
        SETTING_NAMES.map((name) => {
          const { trainedOn, testedOn } = SETTINGS[name];
          const tests = ofNetwork
            .filter(({ job }) => job.trainedOn === trainedOn)
            .flatMap(({ outcome }) => outcome.tests[testedOn] ?? []);
          return [name, settingResult(tests)];
        }),
      ) as Record<SettingName, SettingResult>;
      return { network, group, settings };
    });
  });
}

export function settingResult(seeds: Classification[]): SettingResult {
  const meanOf = (score: ScoreName) => {
    const values = seeds.flatMap((seed) => seed[score] ?? []);
    return values.length > 0 ? mean(values) : null;
  };
  const accuracies = seeds.map(({ accuracy }) => accuracy);
  return {
    seeds,
    mean: Object.fromEntries(SCORES.map((score) => [score, meanOf(score)])) as SettingResult['mean'],
    spread: deviation(accuracies),
    intervals: scoreIntervals(seeds),
  };
}

/** Standard deviation with n - 1; null for fewer than two values. */
function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1));
}

/** Classifiers that do not look at the images: what any other must exceed. */
export function dummyResults({ classes, trainImages, holdoutImages }: ClassGroup): {
  majority: SettingResult;
  stratified: SettingResult;
} {
  const labels = holdoutImages.flatMap((images, label) => new Array<number>(images).fill(label));
  const most = trainImages.indexOf(Math.max(...trainImages));
  const total = trainImages.reduce((a, b) => a + b, 0);
  const predict = (labelOf: () => number) => {
    const probabilities = new Float32Array(labels.length * classes.length);
    for (let i = 0; i < labels.length; i++) probabilities[i * classes.length + labelOf()] = 1;
    return scoreClassification(labels, probabilities, classes.length);
  };
  const drawn = (seed: number) => {
    const random = new RandomStream(seed, 'predictions of a dummy classifier');
    return () => {
      let rest = random.integer(total);
      return trainImages.findIndex((images) => {
        rest -= images;
        return rest < 0;
      });
    };
  };
  return {
    majority: settingResult([predict(() => most)]),
    stratified: settingResult([0, 1, 2].map((seed) => predict(drawn(seed)))),
  };
}

/** Difference relative to the mean of both, in percent: as in the paper, with its sign. */
export function percentDifference(value: number, base: number): number {
  return value + base === 0 ? 0 : (100 * (value - base)) / ((value + base) / 2);
}

/** Whether intervals explain the difference of two accuracies: its 95 % error. */
export function errorOfDifference(a: SettingResult, b: SettingResult): number {
  const half = ({
    intervals: {
      accuracy: { low, high },
    },
  }: SettingResult) => (high - low) / 2;
  return Math.hypot(half(a), half(b));
}
