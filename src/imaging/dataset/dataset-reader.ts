/**
 * The two ways to read a finished data set: all images in order, or training images by random
 * access.
 */
export { type Dataset, type DatasetImage, openDataset, readLabels, type ReadOptions } from './dataset.js';
export { loadTrainingSet, type TrainingSet } from './training-set.js';
