/** What GAN-train and GAN-test show, in plain language (Shmelkov et al. 2018, section 3). */
import type { Level } from '../../spec/analyses.js';
import { dummyResults, errorOfDifference, type NetworkResult, type SettingResult } from './settings.js';

/** Differences of accuracies that matter, where the number of images can show them. */
const NOTABLE = 0.05;
const LARGE = 0.15;
/** Fewer tested images allow no more than a coarse comparison. */
const FEW_TESTED = 100;

export interface Assessment {
  level: Level;
  statement: string;
  advice: string[];
  caveats: string[];
}

export function assess(result: NetworkResult): Assessment {
  const { settings, group } = result;
  const { majority } = dummyResults(group);
  const caveats = caveatsOf(result);
  const base = accuracy(settings.base);
  if (base - accuracy(majority) <= errorOfDifference(settings.base, majority))
    return {
      level: 'caution',
      statement: `On real images ${name(result)} is right in ${percent(base)} %, not clearly more than the most frequent class alone (${percent(accuracy(majority))} %): nothing follows about the synthetic images.`,
      advice: [
        'Train the classifiers for longer, use more images, or compare classes that differ more (evaluate.ganTrainTest.steps, subsets).',
      ],
      caveats,
    };
  const findings = [ganTrain(result), ganTest(result), both(result)];
  return {
    level: findings.some(({ level }) => level === 'warning')
      ? 'warning'
      : findings.some(({ level }) => level === 'caution')
        ? 'caution'
        : 'good',
    statement: `${name(result)} is right in ${percent(base)} % of real images. ${findings.map(({ text }) => text).join(' ')}`,
    advice: findings.flatMap(({ advice }) => advice),
    caveats,
  };
}

interface Finding {
  level: Level;
  text: string;
  advice: string[];
}

function ganTrain({ settings: { base, gan_train: trained } }: NetworkResult): Finding {
  const text = `Trained on synthetic images instead, in ${percent(accuracy(trained))} %`;
  const lost = clearDifference(base, trained);
  if (lost < NOTABLE)
    return { level: 'good', text: `${text}: they carry what tells the classes apart.`, advice: [] };
  return {
    level: lost >= LARGE ? 'warning' : 'caution',
    text: `${text}: they miss something that tells the classes apart, or a part of its variety.`,
    advice: [
      'GAN-train below base: train the generator for longer or on more images of each class, and generate without truncation (generate.truncationPsi: 1).',
    ],
  };
}

function ganTest({ settings: { base, gan_test: tested } }: NetworkResult): Finding {
  const text = `Of the synthetic images it recognizes ${percent(accuracy(tested))} %`;
  const lost = clearDifference(base, tested);
  if (lost >= NOTABLE)
    return {
      level: lost >= LARGE ? 'warning' : 'caution',
      text: `${text}: many do not look like their class.`,
      advice: [
        'GAN-test below base: the classes of synthetic images are not reliable; look at them by class before they are used as labeled data.',
      ],
    };
  if (clearDifference(tested, base) >= NOTABLE)
    return {
      level: 'caution',
      text: `${text}, more than of real ones: they are more typical than real images, or copies of training images.`,
      advice: [
        'GAN-test above base: read the memorization analysis, and the recall of the metrics, before the set is shared.',
      ],
    };
  return { level: 'good', text: `${text}, as of real ones.`, advice: [] };
}

function both({ settings: { base, real_and_synthetic: added } }: NetworkResult): Finding {
  const text = `Trained on both it is right in ${percent(accuracy(added))} %`;
  if (clearDifference(added, base) > 0)
    return { level: 'good', text: `${text}: adding synthetic images helps.`, advice: [] };
  if (clearDifference(base, added) > 0)
    return { level: 'caution', text: `${text}: adding synthetic images does harm.`, advice: [] };
  return { level: 'good', text: `${text}: adding synthetic images makes no clear difference.`, advice: [] };
}

/** How far one accuracy exceeds another; 0 where chance can explain it. */
function clearDifference(higher: SettingResult, lower: SettingResult): number {
  const difference = accuracy(higher) - accuracy(lower);
  return difference > errorOfDifference(higher, lower) ? difference : 0;
}

function caveatsOf({ settings }: NetworkResult): string[] {
  const caveats: string[] = [];
  const tested = settings.base.seeds[0]?.images ?? 0;
  if (tested < FEW_TESTED)
    caveats.push(
      `Classifiers are tested on ${tested} holdout images only: differences of less than ${percent(errorOfDifference(settings.base, settings.gan_train))} points may be chance.`,
    );
  if (settings.base.seeds.length < 2)
    caveats.push('One seed does not show how much a training varies (evaluate.ganTrainTest.seeds).');
  return caveats;
}

function name({ network, group }: NetworkResult): string {
  const classifier = network === 'small' ? 'The small classifier' : network;
  return group.name === '' ? classifier : `${classifier} of ${group.classes.join(' and ')}`;
}

function accuracy({ mean }: SettingResult): number {
  return mean.accuracy ?? 0;
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}
