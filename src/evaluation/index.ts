/** The door of the evaluation folder; it loads TensorFlow, so only compute processes enter by it. */
export { compareImages } from './compare-images.js';
export { type ComparedSets, computeFigures } from './evaluate.js';
export type { SquareImage } from './extractors/input.js';
export { extractShard, listFeatureSets } from './features.js';
export type { FeatureSet, SetName } from './image-sets.js';
export { judgeSnapshot, type SnapshotInput } from './snapshot.js';
