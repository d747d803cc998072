/** Classifier networks as feature extractors, with the weights of a state dict. */
import { type Classifier, compileClassifier } from '../../nn/classifiers/index.js';
import type { NamedTensor } from '../../nn/formats/safetensors.js';
import type { LoadedExtractor } from './extractor.js';
import { extractorInput, type SquareImage } from './input.js';

/** Batch size that graphs are compiled for; smaller batches are padded. */
export const CLASSIFIER_BATCH = 16;

export interface LoadedClassifier extends LoadedExtractor {
  /** Every output of the network: [images, values] by name. */
  outputs(images: readonly SquareImage[]): Promise<Record<string, Float32Array>>;
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

  async function outputs(images: readonly SquareImage[]): Promise<Record<string, Float32Array>> {
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
    dispose: () => compiled.dispose(),
  };
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
