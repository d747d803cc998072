/**
 * Public interface of the evaluation folder. It loads TensorFlow, so only compute processes import
 * it.
 */
export { analyzeSets } from './analyses/stored-analysis.js';
export { StreamAnalysis } from './analyses/stream-analysis.js';
export { compareImages } from './compare-images.js';
export { type Evaluation, evaluateSets } from './evaluate.js';
export type { SquareImage } from './extractors/input.js';
export { extractShardFeatures, listFeatureSets } from './features.js';
export { sidesOf, sourceImages } from './source-images.js';
export { evaluateSnapshot } from './snapshot.js';
