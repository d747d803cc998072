/** The door of the evaluation folder; it loads TensorFlow, so only compute processes enter by it. */
export { compareImages } from './compare-images.js';
export { computeFigures } from './evaluate.js';
export type { SquareImage } from './extractors/input.js';
export { extractShardFeatures, listFeatureSets } from './features.js';
export { evaluateSnapshot } from './snapshot.js';
