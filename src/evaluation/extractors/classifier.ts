/** Classifier networks as feature extractors, with the weights of a state dict. */
import {
  type Classifier,
  CLASSIFIERS,
  type ClassifierName,
  compileClassifier,
} from '../../nn/classifiers/index.js';
import type { NamedTensor } from '../../nn/formats/safetensors.js';
import { tf } from '../../nn/tensorflow.js';
import { classifierState } from '../../weights/classifiers/index.js';
import { concatenated, type FeatureMatrix } from '../metrics/feature-matrix.js';
import type { FeatureExtractor, LoadedExtractor } from './extractor.js';
import { type ExtractorImage, extractorInput } from './input.js';

/** Batch size that graphs are compiled for; smaller batches are padded. */
export const CLASSIFIER_BATCH = 16;

/** A classifier with the weights that were imported on this machine. */
export function classifierExtractor(name: ClassifierName): FeatureExtractor {
  const classifier: Classifier = CLASSIFIERS[name];
  return {
    name,
    dimensions: classifier.features,
    batch: CLASSIFIER_BATCH,
    load: async () => {
      const { state, where } = await classifierState(name);
      return loadClassifier(classifier, state, where);
    },
  };
}

export interface LoadedClassifier extends LoadedExtractor {
  /** Every output of the network: [images, values] by name. */
  outputs(images: readonly ExtractorImage[]): Promise<Record<string, Float32Array>>;
}

/**
 * Compiles a classifier.
 *
 * @param where name of the file of the state dict, for errors
 * @throws CheckpointError when the state dict is not that of the network
 */
export async function loadClassifier(
  classifier: Classifier,
  state: Record<string, NamedTensor>,
  where: string,
  batch = CLASSIFIER_BATCH,
): Promise<LoadedClassifier> {
  const { side, resize } = classifier;
  const compiled = await compileClassifier(classifier, state, { batch, where });
  const size = side * side * 3;
  const head = classifier.head === null ? null : (state[`${classifier.head}.weight`] as NamedTensor);

  async function outputs(images: readonly ExtractorImage[]): Promise<Record<string, Float32Array>> {
    const parts: Record<string, Float32Array[]> = {};
    for (let from = 0; from < images.length; from += batch) {
      const chunk = images.slice(from, from + batch);
      const input = new Float32Array(batch * size);
      for (const [i, image] of chunk.entries()) input.set(extractorInput(image, side, resize), i * size);
      for (const [name, values] of Object.entries(await compiled.run(input))) {
        parts[name] ??= [];
        parts[name].push(values.subarray(0, (values.length / batch) * chunk.length));
      }
    }
    return Object.fromEntries(Object.entries(parts).map(([name, list]) => [name, concatenated(list)]));
  }

  return {
    outputs,
    extract: async (images) => (await outputs(images)).features ?? new Float32Array(0),
    ...(head && { classify: (features: FeatureMatrix) => logitsOf(features, head) }),
    dispose: () => compiled.dispose(),
  };
}

/** Logits without bias. */
function logitsOf(
  { rows, columns, data }: FeatureMatrix,
  { shape, data: weight }: NamedTensor,
): FeatureMatrix {
  const [classes] = shape as [number, number];
  const product = tf.tidy(() =>
    tf.matMul(
      tf.tensor2d(Float32Array.from(data), [rows, columns]),
      tf.tensor2d(weight, [classes, columns]),
      false,
      true,
    ),
  );
  const logits = Float32Array.from(product.dataSync<'float32'>());
  product.dispose();
  return { rows, columns: classes, data: logits };
}
