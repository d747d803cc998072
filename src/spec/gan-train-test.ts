/**
 * GAN-train and GAN-test: the section `evaluate.ganTrainTest` of a spec, and the classifiers that
 * it asks for.
 */
import { z } from 'zod';

/** `small` is trained from scratch; the others are those of table 2 of the GIST paper. */
export const CLASSIFIER_NETWORKS = ['small', 'inception_v3', 'resnet101', 'vgg19'] as const;
export type ClassifierNetwork = (typeof CLASSIFIER_NETWORKS)[number];

export const ganTrainTestSchema = z.strictObject({
  classifiers: z
    .array(z.enum(CLASSIFIER_NETWORKS))
    .min(1)
    .default(['small'])
    .describe('Networks that are trained: a small one of seconds, and those of the paper.'),
  initial: z
    .enum(['auto', 'imagenet', 'scratch'])
    .default('auto')
    .describe(
      'Initial weights of the networks of the paper: imported ImageNet weights, none, or auto: ImageNet weights where they are imported.',
    ),
  seeds: z.int().min(1).max(20).default(3).describe('Classifiers of each kind, which differ by their seed.'),
  steps: z
    .union([z.literal('auto'), z.int().min(1).max(1_000_000)])
    .default('auto')
    .describe('Training steps of each classifier, equal for all; auto: by the number of real images.'),
  batch: z.int().min(2).max(1024).default(32).describe('Images of a training step.'),
  learningRate: z
    .union([z.literal('auto'), z.number().positive().max(1)])
    .default('auto')
    .describe('Highest learning rate of a training; auto: by network and initial weights.'),
  subsets: z
    .array(z.array(z.union([z.string().min(1), z.int().min(0)])).min(2))
    .max(10)
    .default([])
    .describe('Classes, by name or label, that are compared by themselves too, such as [[0, 3]].'),
  syntheticImages: z
    .enum(['as-real', 'all'])
    .default('as-real')
    .describe('Synthetic images that classifiers are trained on: as many as real ones, or all.'),
  maxImages: z
    .int()
    .min(16)
    .default(10_000)
    .describe('Maximum number of images of each set; the training images are kept in memory.'),
  checkpointSeconds: z
    .number()
    .min(1)
    .default(60)
    .describe('Seconds between the checkpoints of a classifier.'),
});
export type GanTrainTestSpec = z.output<typeof ganTrainTestSchema>;

/** What a classifier is trained on. */
export const TRAINED_ON = ['real', 'synthetic', 'real_and_synthetic'] as const;
export type TrainedOn = (typeof TRAINED_ON)[number];

/** A classifier to be trained. */
export interface ClassifierJob {
  /** Key prefix of its checkpoint and its result: a digest of everything that determines them. */
  prefix: string;
  network: ClassifierNetwork;
  /** SHA-256 of the imported weights that it starts from; null: from scratch. */
  weights: string | null;
  trainedOn: TrainedOn;
  seed: number;
  /** Names of the classes that it tells apart, in label order. */
  classes: string[];
  steps: number;
  batch: number;
  learningRate: number;
  /** Maximum number of images of each set, and of the synthetic ones that it is trained on. */
  maxImages: number;
  maxTrainedSynthetic: number;
}

/** Classes that are told apart: all that have enough images, or a subset. */
export interface ClassGroup {
  /** Empty for all classes; labels joined by `_` for a subset. */
  name: string;
  classes: string[];
  /** Number of training images of each class, by which the dummy classifiers predict. */
  trainImages: number[];
  /** Number of holdout images of each class. */
  holdoutImages: number[];
}

export interface ClassifierPlan {
  groups: ClassGroup[];
  /** The jobs of each group in turn. */
  jobs: ClassifierJob[];
  /** What a reader must know: classes that are left out, missing weights. */
  caveats: string[];
  /** Why nothing can be trained; null: it can. */
  impossible: string | null;
}

/** The training of one classifier. */
export interface ClassifierTraining {
  job: ClassifierJob;
  checkpointSeconds: number;
}

/** Input of the training of one classifier of a run. */
export interface ClassifierInput extends ClassifierTraining {
  /** Key prefixes of the data set and of the synthetic set. */
  dataset: string;
  synthetic: string;
}
