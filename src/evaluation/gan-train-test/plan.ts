/** Which classifiers are trained for GAN-train and GAN-test. Does not need TensorFlow. */
import { z } from 'zod';
import { SpecError } from '../../core/errors.js';
import { datasetManifestSchema } from '../../imaging/dataset/dataset-manifest.js';
import type { EvaluateSpec } from '../../spec/evaluate.js';
import {
  type ClassGroup,
  type ClassifierJob,
  type ClassifierNetwork,
  type ClassifierPlan,
  type GanTrainTestSpec,
  TRAINED_ON,
  type TrainedOn,
} from '../../spec/gan-train-test.js';
import { canonicalJson, getJson, joinKey, type ObjectStore, sha256 } from '../../storage/index.js';
import { classifierRecord } from '../../weights/classifiers/record.js';

/** Increment when a training with the same input gives another result. */
const VERSION = 1;
/** Fewest images of a class to train on, and to test on. */
export const FEWEST = { trained: 5, tested: 2 } as const;

/** Steps of `auto`: so many times through the real images, within limits. */
const EPOCHS = { scratch: 40, imagenet: 10 } as const;
const STEPS = { least: 200, most: 4000 } as const;

/** Learning rates of `auto`. */
const RATES = { small: 2e-3, scratch: 2e-4, imagenet: 1e-4 } as const;

/** What a plan needs to know of the sets. */
export interface ClassCounts {
  classes: string[];
  train: number[];
  holdout: number[];
  synthetic: number[];
}

export interface Sets {
  dataset: { prefix: string; digest: string };
  synthetic: { prefix: string; digest: string };
}

/** @param scope separates results that other runs must not reuse */
export async function planClassifiers(
  store: ObjectStore,
  sets: Sets,
  { ganTrainTest: spec, maxImages }: Pick<EvaluateSpec, 'ganTrainTest' | 'maxImages'>,
  scope: string | null,
): Promise<ClassifierPlan> {
  if (!spec) throw new RangeError('the spec asks for no classifiers');
  const counts = await readCounts(store, sets);
  if (typeof counts === 'string') return nothing(counts);
  const limits = { ...spec, maxImages: Math.min(spec.maxImages, maxImages) };
  return planFor(counts, sets, limits, scope);
}

function nothing(impossible: string, caveats: string[] = []): ClassifierPlan {
  return { groups: [], jobs: [], caveats, impossible };
}

/** The same for sets whose classes are counted. */
export async function planFor(
  counts: ClassCounts,
  sets: Sets,
  spec: GanTrainTestSpec,
  scope: string | null = null,
): Promise<ClassifierPlan> {
  const { usable, caveats } = usableClasses(counts);
  if (usable.length < 2)
    return nothing('fewer than two classes have enough images for a classifier', caveats);
  const groups = [groupOf('', usable, counts), ...subsetGroups(spec, usable, counts, caveats)];
  const weights = await initialWeights(spec, caveats);
  const jobs = groups.flatMap(({ classes, trainImages }) => {
    const real = Math.min(
      spec.maxImages,
      trainImages.reduce((a, b) => a + b, 0),
    );
    return [...new Set(spec.classifiers)].flatMap((network) =>
      seedsOf(spec).flatMap((seed) =>
        TRAINED_ON.map((trainedOn) =>
          job(sets, spec, {
            network,
            weights: weights[network] ?? null,
            trainedOn,
            seed,
            classes,
            real,
            scope,
          }),
        ),
      ),
    );
  });
  return { groups, jobs, caveats, impossible: null };
}

function seedsOf({ seeds }: GanTrainTestSpec): number[] {
  return Array.from({ length: seeds }, (_, seed) => seed);
}

/** The part of the manifest of a synthetic set that decides what can be trained. */
const syntheticSchema = z.object({
  resolution: z.int(),
  channels: z.int(),
  classes: z.array(z.string()).nullable(),
  counts: z.array(z.int()).nullable(),
});

/** Numbers of images by class of the data set, or why there are none. */
async function readCounts(store: ObjectStore, { dataset, synthetic }: Sets): Promise<ClassCounts | string> {
  const real = await getJson(store, joinKey(dataset.prefix, 'manifest.json'), datasetManifestSchema);
  const fake = await getJson(store, joinKey(synthetic.prefix, 'manifest.json'), syntheticSchema);
  if (!real.classes || !real.classImages) return 'the data set has no labels';
  if (!fake.classes || !fake.counts) return 'the synthetic set has no labels: its generator knows no classes';
  if (fake.resolution !== real.resolution || fake.channels !== real.channels)
    return `the synthetic images have ${shapeOf(fake)}, the real ones ${shapeOf(real)}`;
  if (real.images.holdout === 0) return 'the data set holds out no images (preprocess.holdout)';
  const { counts, classes } = fake;
  return {
    classes: real.classes,
    ...real.classImages,
    synthetic: real.classes.map((name) => counts[classes.indexOf(name)] ?? 0),
  };
}

function shapeOf({ resolution, channels }: { resolution: number; channels: number }): string {
  return `${resolution} pixels a side and ${channels} channels`;
}

/** Labels of the classes with enough images. */
function usableClasses({ classes, train, holdout, synthetic }: ClassCounts) {
  const caveats: string[] = [];
  const usable = classes.flatMap((name, label) => {
    const shortages = (
      [
        ['training', train, FEWEST.trained],
        ['holdout', holdout, FEWEST.tested],
        ['synthetic', synthetic, FEWEST.trained],
      ] as const
    ).flatMap(([side, counts, fewest]) => {
      const images = counts[label] ?? 0;
      return images < fewest ? [`${images} ${side} images of at least ${fewest}`] : [];
    });
    if (shortages.length === 0) return [label];
    caveats.push(`Class "${name}" is left out of the classifiers: ${shortages.join(', ')}.`);
    return [];
  });
  return { usable, caveats };
}

function groupOf(name: string, labels: readonly number[], counts: ClassCounts): ClassGroup {
  const pick = (values: readonly number[]) => labels.map((label) => values[label] as number);
  return {
    name,
    classes: labels.map((label) => counts.classes[label] as string),
    trainImages: pick(counts.train),
    holdoutImages: pick(counts.holdout),
  };
}

/** @throws SpecError when a subset names a class that the data set does not have */
function subsetGroups(
  { subsets }: GanTrainTestSpec,
  usable: readonly number[],
  counts: ClassCounts,
  caveats: string[],
): ClassGroup[] {
  const known = new Set([usable.join()]);
  return subsets.flatMap((subset, i) => {
    const labels = [...new Set(subset.map((each) => labelOf(each, counts.classes, i)))].sort((a, b) => a - b);
    if (known.has(labels.join())) return [];
    known.add(labels.join());
    const kept = labels.filter((label) => usable.includes(label));
    const name = labels.map((label) => counts.classes[label]).join(', ');
    if (kept.length === labels.length && kept.length > 1) return [groupOf(kept.join('_'), kept, counts)];
    caveats.push(`The subset ${name} is left out: it needs two classes or more, all with enough images.`);
    return [];
  });
}

/** A class by its name, else by its label. */
function labelOf(named: string | number, classes: readonly string[], subset: number): number {
  const byName = classes.indexOf(String(named));
  if (byName >= 0) return byName;
  if (typeof named === 'number' && named < classes.length) return named;
  throw new SpecError({
    what: `the data set has no class ${JSON.stringify(named)}`,
    where: `evaluate.ganTrainTest.subsets[${subset}]`,
    hint: `Its classes: ${classes.map((name) => `"${name}"`).join(', ')}.`,
  });
}

/** SHA-256 of the weights that each network starts from. @throws SetupError without them */
async function initialWeights(
  { classifiers, initial }: GanTrainTestSpec,
  caveats: string[],
): Promise<Partial<Record<ClassifierNetwork, string>>> {
  const weights: Partial<Record<ClassifierNetwork, string>> = {};
  for (const network of new Set(classifiers)) {
    if (network === 'small' || initial === 'scratch') continue;
    const digest = await weightsOf(network, initial);
    if (digest) weights[network] = digest;
    else
      caveats.push(
        `${network} was trained from scratch, unlike in the paper: its ImageNet weights are not on the machine (gist weights fetch ${network}).`,
      );
  }
  return weights;
}

async function weightsOf(
  network: Exclude<ClassifierNetwork, 'small'>,
  initial: GanTrainTestSpec['initial'],
): Promise<string | null> {
  try {
    return (await classifierRecord(network)).sha256;
  } catch (error) {
    if (initial === 'auto') return null;
    throw error;
  }
}

/** What the result of the evaluation depends on beside its spec: the weights of its networks. */
export async function classifierIdentities(spec: GanTrainTestSpec | null): Promise<string[]> {
  if (!spec) return [];
  const ignored: string[] = [];
  const weights = await initialWeights(
    { ...spec, initial: spec.initial === 'scratch' ? 'scratch' : 'auto' },
    ignored,
  );
  return [`classifiers v${VERSION} ${JSON.stringify(weights)}`];
}

function job(
  { dataset, synthetic }: Sets,
  spec: GanTrainTestSpec,
  kind: Pick<ClassifierJob, 'network' | 'weights' | 'seed' | 'classes'> & {
    trainedOn: TrainedOn;
    real: number;
    scope: string | null;
  },
): ClassifierJob {
  const { real, scope, ...own } = kind;
  const settings = {
    ...own,
    batch: spec.batch,
    steps: spec.steps === 'auto' ? automaticSteps(kind, spec.batch) : spec.steps,
    learningRate: spec.learningRate === 'auto' ? automaticRate(kind) : spec.learningRate,
    maxImages: spec.maxImages,
    maxTrainedSynthetic: spec.syntheticImages === 'all' ? spec.maxImages : real,
  };
  const inputs = [
    VERSION,
    dataset.digest,
    dataset.prefix,
    synthetic.digest,
    synthetic.prefix,
    scope,
    settings,
  ];
  const digest = sha256(canonicalJson(inputs)).slice(0, 32);
  return { prefix: `classifiers/${digest}/`, ...settings };
}

function automaticSteps({ weights, real }: { weights: string | null; real: number }, batch: number): number {
  const epochs = weights === null ? EPOCHS.scratch : EPOCHS.imagenet;
  return Math.min(STEPS.most, Math.max(STEPS.least, Math.ceil((epochs * real) / batch)));
}

function automaticRate({ network, weights }: Pick<ClassifierJob, 'network' | 'weights'>): number {
  if (network === 'small') return RATES.small;
  return weights === null ? RATES.scratch : RATES.imagenet;
}
