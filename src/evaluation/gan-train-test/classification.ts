/** How well predictions of classes agree with labels, by the definitions of scikit-learn. */
import { z } from 'zod';
import { rankSum } from '../analyses/calibration.js';

/** One class against the rest. Values without images to compute them on are 0, or null. */
const classScoreSchema = z.object({
  /** Images with this label. */
  images: z.int(),
  precision: z.number(),
  recall: z.number(),
  f1: z.number(),
  /** Area under the ROC curve; null when the class has all images, or none. */
  auroc: z.number().nullable(),
});

export const classificationSchema = z.object({
  images: z.int(),
  accuracy: z.number(),
  /** Mean recall of the classes that occur. */
  balancedAccuracy: z.number(),
  /** Means over all classes. */
  precision: z.number(),
  recall: z.number(),
  f1: z.number(),
  /** Mean over the classes that have one. */
  auroc: z.number().nullable(),
  classes: z.array(classScoreSchema),
  /** Number of images by label (rows) and predicted class. */
  confusion: z.array(z.array(z.int())),
});
export type Classification = z.output<typeof classificationSchema>;
export type ClassScore = z.output<typeof classScoreSchema>;

/**
 * @param probabilities [images, classes]; the first of the largest is predicted
 * @throws RangeError without images
 */
export function scoreClassification(
  labels: ArrayLike<number>,
  probabilities: Float32Array,
  classes: number,
): Classification {
  const images = labels.length;
  if (images === 0) throw new RangeError('a classification needs images');
  const confusion = confusionOf(labels, probabilities, classes);
  const scores = Array.from({ length: classes }, (_, label) => ({
    ...classScore(confusion, label),
    auroc: auroc(labels, probabilities, { label, classes }),
  }));
  const correct = confusion.reduce((sum, row, label) => sum + (row[label] as number), 0);
  const areas = scores.flatMap(({ auroc: area }) => area ?? []);
  return {
    images,
    accuracy: correct / images,
    ...meanScores(confusion),
    auroc: areas.length > 0 ? mean(areas) : null,
    classes: scores,
    confusion,
  };
}

/** Means over the classes of a confusion matrix. */
export function meanScores(
  confusion: readonly number[][],
): Pick<Classification, 'balancedAccuracy' | 'precision' | 'recall' | 'f1'> {
  const scores = confusion.map((_, label) => classScore(confusion, label));
  return {
    balancedAccuracy: mean(scores.filter(({ images }) => images > 0).map(({ recall }) => recall)),
    precision: mean(scores.map(({ precision }) => precision)),
    recall: mean(scores.map(({ recall }) => recall)),
    f1: mean(scores.map(({ f1 }) => f1)),
  };
}

function confusionOf(labels: ArrayLike<number>, probabilities: Float32Array, classes: number): number[][] {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++)
      if ((probabilities[i * classes + k] as number) > (probabilities[i * classes + best] as number))
        best = k;
    const row = confusion[labels[i] as number] as number[];
    row[best] = (row[best] as number) + 1;
  }
  return confusion;
}

function classScore(confusion: readonly number[][], label: number): Omit<ClassScore, 'auroc'> {
  const found = confusion[label]?.[label] as number;
  const images = sum(confusion[label] as number[]);
  const predicted = sum(confusion.map((row) => row[label] as number));
  const precision = predicted > 0 ? found / predicted : 0;
  const recall = images > 0 ? found / images : 0;
  const f1 = images + predicted > 0 ? (2 * found) / (images + predicted) : 0;
  return { images, precision, recall, f1 };
}

/**
 * The share of pairs in the right order; equal scores count half (Hanley and McNeil 1982).
 */
function auroc(
  labels: ArrayLike<number>,
  probabilities: Float32Array,
  { label, classes }: { label: number; classes: number },
): number | null {
  const [positives, negatives]: [number[], number[]] = [[], []];
  for (let i = 0; i < labels.length; i++)
    (labels[i] === label ? positives : negatives).push(probabilities[i * classes + label] as number);
  if (positives.length === 0 || negatives.length === 0) return null;
  return rankSum(positives, negatives) / (positives.length * negatives.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
