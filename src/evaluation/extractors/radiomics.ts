/** Radiomic features as an extractor, which needs no network. */
import { radiomicFeatures } from '../radiomics/features.js';
import type { FeatureExtractor } from './extractor.js';

const FEATURES = 77;

export const radiomics: FeatureExtractor = {
  name: 'radiomics',
  dimensions: FEATURES,
  batch: 8,
  load: async () => ({
    extract: async (images) => {
      const out = new Float32Array(images.length * FEATURES);
      for (const [i, image] of images.entries()) {
        out.set(
          Object.values(radiomicFeatures({ ...image, pixels: Uint8Array.from(image.pixels) })),
          i * FEATURES,
        );
        await new Promise(setImmediate);
      }
      return out;
    },
    dispose: () => undefined,
  }),
};
