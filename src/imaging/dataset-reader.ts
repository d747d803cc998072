/** The two ways of reading a finished data set: one image after the other, or training images at random. */
export { type Dataset, type DatasetImage, openDataset, type ReadOptions } from './dataset.js';
export { loadTrainingSet, type TrainingSet } from './training-set.js';
