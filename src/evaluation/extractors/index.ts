/** The available feature extractors. */
import { effnetlite0 } from './effnetlite0.js';
import type { FeatureExtractor } from './extractor.js';

export const EXTRACTORS = { effnetlite0 } satisfies Record<string, FeatureExtractor>;
