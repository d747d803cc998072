/** The classifier networks by name. */
import { inception, inceptionV3 } from './inception.js';
import type { Classifier } from './layers.js';
import { resnet101, resnet50, swavResnet50 } from './resnet.js';
import { vgg16, vgg19 } from './vgg.js';

export { type CompiledClassifier, compileClassifier } from './compiled.js';
export type { Classifier } from './layers.js';
export { smallClassifier } from './small.js';
export { ADAM, initialValues, type TrainingShape, trainingDefinition } from './training.js';
export { checkedState, parameterShapes, stateDifference } from './parameters.js';

export const CLASSIFIERS = {
  inception,
  resnet50,
  resnet101,
  swav_resnet50: swavResnet50,
  vgg16,
  vgg19,
  inception_v3: inceptionV3,
} satisfies Record<string, Classifier>;

export type ClassifierName = keyof typeof CLASSIFIERS;
