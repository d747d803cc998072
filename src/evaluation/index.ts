/**
 * Public interface of the evaluation folder. It loads TensorFlow, so only compute processes import
 * it.
 */
export { FinishedAnalyses } from './analyses/finished.js';
export { analyzeSets, type StoredAnalyses } from './analyses/stored-analysis.js';
export { StreamAnalysis } from './analyses/stream-analysis.js';
export { type ClassedImage, compareImages } from './compare-images.js';
export { type Evaluation, evaluateSets } from './evaluate.js';
export { extractorIdentities } from './extractors/identity.js';
export type { SquareImage } from './extractors/input.js';
export { extractShardFeatures, listFeatureSets, setFeatures } from './features.js';
export { fitFigure } from './fit-figure.js';
export { openImageSet } from './image-sets.js';
export { officialLines } from './official-lines.js';
export { sidesOf, sourceImages } from './source-images.js';
export { evaluateSnapshot } from './snapshot.js';
