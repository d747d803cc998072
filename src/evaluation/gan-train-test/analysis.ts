/** GAN-train and GAN-test as an analysis: table 2 of the paper, confusion matrices, a statement. */
import type { AnalysisResult, AnalysisTable, AnalysisValue, Level } from '../../spec/analyses.js';
import type { ClassifierPlan } from '../../spec/gan-train-test.js';
import type { ObjectStore } from '../../storage/index.js';
import { readOutcomes } from './outcome.js';
import {
  dummyResults,
  type NetworkResult,
  percentDifference,
  resultsOf,
  type ScoreName,
  SETTING_NAMES,
  type SettingName,
  type SettingResult,
} from './settings.js';
import { assess } from './statement.js';

const TITLE = 'Classifiers on real and synthetic images (GAN-train, GAN-test)';

const SETTING_TITLES: Record<SettingName, string> = {
  base: 'Base',
  gan_train: 'GAN-train',
  gan_test: 'GAN-test',
  real_and_synthetic: 'Real + synthetic',
};
const SETTING_TEXTS: Record<SettingName, string> = {
  base: 'trained on real images, tested on real images that were held out',
  gan_train: 'trained on synthetic images, tested on real images that were held out',
  gan_test: 'trained on real images, tested on synthetic images',
  real_and_synthetic: 'trained on real and synthetic images, tested on real images that were held out',
};
const SCORES: Record<Exclude<ScoreName, 'precision' | 'recall'>, { name: string; title: string }> = {
  accuracy: { name: 'accuracy', title: 'accuracy' },
  balancedAccuracy: { name: 'balanced_accuracy', title: 'balanced accuracy' },
  f1: { name: 'f1', title: 'F1' },
  auroc: { name: 'auroc', title: 'AUROC' },
};
/** Matrices of more classes would not be readable. */
const MATRIX_CLASSES = 20;

/** The analysis of the classifiers of a plan, all of which are trained. */
export async function classifierAnalysis(store: ObjectStore, plan: ClassifierPlan): Promise<AnalysisResult> {
  if (plan.impossible !== null)
    return {
      ...empty(),
      level: 'caution',
      statement: `No classifiers were trained: ${plan.impossible}.`,
      caveats: plan.caveats,
    };
  return describe(plan, resultsOf(plan, await readOutcomes(store, plan)));
}

/** @param results of every group and network of the plan */
export function describe(plan: ClassifierPlan, results: NetworkResult[]): AnalysisResult {
  const assessments = results.map(assess);
  const worst = (['warning', 'caution', 'good'] as const satisfies Level[]).find((level) =>
    assessments.some((each) => each.level === level),
  );
  // The statement is on all classes; those of subsets are in the tables.
  const main = assessments.filter((_, i) => results[i]?.group.name === '');
  return {
    ...empty(),
    level: worst ?? 'good',
    statement: main.map(({ statement }) => statement).join(' '),
    values: results.flatMap(valuesOf),
    tables: [
      ...plan.groups.map((group) => table(results.filter((result) => result.group === group))),
      ...results.flatMap(perClassTables),
      ...results.flatMap(matrices),
    ],
    advice: [...new Set(assessments.flatMap(({ advice }) => advice))],
    caveats: [...plan.caveats, ...new Set(assessments.flatMap(({ caveats }) => caveats))],
  };
}

function empty(): AnalysisResult {
  return {
    analysis: 'classifiers',
    title: TITLE,
    level: 'good',
    statement: '',
    values: [],
    tables: [],
    figures: [],
    advice: [],
    caveats: [],
  };
}

/** `<network>.<score>.<setting>`, after the group of a subset; first those of all classes. */
function valuesOf({ network, group, settings }: NetworkResult): AnalysisValue[] {
  const scope = group.name === '' ? network : `${network}.classes_${group.name}`;
  const of = group.name === '' ? '' : ` (${group.classes.join(', ')})`;
  return Object.entries(SCORES).flatMap(([key, { name, title }]) =>
    SETTING_NAMES.flatMap((setting) => {
      const score = key as keyof typeof SCORES;
      const value = settings[setting].mean[score];
      const base = settings.base.mean[score];
      if (value === null) return [];
      const interval = settings[setting].intervals[score];
      return {
        name: `${scope}.${name}.${setting}`,
        title: `${network === 'small' ? 'Small network' : network}${of}, ${SETTING_TITLES[setting]}: ${title}`,
        value,
        ...(interval && { interval }),
        ...(setting !== 'base' && base !== null && { floor: base }),
        text: `Mean ${title} of ${settings[setting].seeds.length} classifiers, ${SETTING_TEXTS[setting]}.`,
        digits: 3,
      };
    }),
  );
}

/** Table 2 of the paper for a group of classes, in percent. */
function table(results: readonly NetworkResult[]): AnalysisTable {
  const group = results[0]?.group as NetworkResult['group'];
  const { majority, stratified } = dummyResults(group);
  const rows = results.flatMap(({ network, settings }) =>
    SETTING_NAMES.map((setting, i) => [
      i === 0 ? network : '',
      SETTING_TITLES[setting],
      ...cells(settings[setting], setting === 'base' ? null : settings.base),
    ]),
  );
  return {
    title: `Accuracy of classifiers in percent${group.name === '' ? '' : `, classes ${group.classes.join(' and ')}`}`,
    columns: [
      'Model',
      'Approach',
      'Accuracy',
      'Difference to base',
      'Spread',
      'Balanced accuracy',
      'Precision',
      'Recall',
      'F1',
      'AUROC',
      'Tested images',
      'Seeds',
    ],
    rows: [
      ...rows,
      ['dummy', 'Most frequent class', ...cells(majority, null)],
      ['', 'Random by frequency', ...cells(stratified, null)],
    ],
    digits: 2,
    kind: 'table',
  };
}

function cells(result: SettingResult, base: SettingResult | null): (string | number | null)[] {
  const { mean, spread, seeds } = result;
  const percent = (value: number | null) => (value === null ? null : 100 * value);
  return [
    percent(mean.accuracy),
    base ? percentDifference(mean.accuracy ?? 0, base.mean.accuracy ?? 0) : null,
    percent(spread),
    percent(mean.balancedAccuracy),
    percent(mean.precision),
    percent(mean.recall),
    percent(mean.f1),
    percent(mean.auroc),
    String(seeds[0]?.images ?? 0),
    String(seeds.length),
  ];
}

/** Scores of each class, means over the seeds, in percent. */
function perClassTables({ network, group, settings }: NetworkResult): AnalysisTable[] {
  if (group.name !== '') return [];
  return [
    {
      title: `Scores by class in percent, ${network}`,
      columns: ['Approach', 'Class', 'Precision', 'Recall', 'F1', 'AUROC', 'Tested images'],
      rows: SETTING_NAMES.flatMap((setting) =>
        group.classes.map((name, label) => {
          const of = (score: 'precision' | 'recall' | 'f1' | 'auroc') => {
            const found = settings[setting].seeds.flatMap(({ classes }) => classes[label]?.[score] ?? []);
            return found.length > 0 ? (100 * found.reduce((a, b) => a + b, 0)) / found.length : null;
          };
          const images = settings[setting].seeds[0]?.classes[label]?.images ?? 0;
          return [
            label === 0 ? SETTING_TITLES[setting] : '',
            name,
            of('precision'),
            of('recall'),
            of('f1'),
            of('auroc'),
            String(images),
          ];
        }),
      ),
      digits: 2,
      kind: 'table',
    },
  ];
}

/** Predictions in percent of the images of each class, over all seeds. */
function matrices({ network, group, settings }: NetworkResult): AnalysisTable[] {
  if (group.classes.length > MATRIX_CLASSES) return [];
  return SETTING_NAMES.map((setting) => ({
    title: `Confusion in percent, ${network}, ${SETTING_TITLES[setting]}${group.name === '' ? '' : `, classes ${group.classes.join(' and ')}`}`,
    columns: ['Class \\ predicted', ...group.classes],
    rows: group.classes.map((name, label) => {
      const counts = group.classes.map((_, predicted) =>
        settings[setting].seeds.reduce((sum, { confusion }) => sum + (confusion[label]?.[predicted] ?? 0), 0),
      );
      const total = counts.reduce((a, b) => a + b, 0);
      return [name, ...counts.map((count) => (total > 0 ? (100 * count) / total : null))];
    }),
    digits: 1,
    kind: 'matrix' as const,
  }));
}
