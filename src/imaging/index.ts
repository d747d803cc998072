/** Public interface of the imaging folder. */
export { assembleDataset } from './assemble.js';
export { buildShard, type WorkOptions } from './build-shard.js';
export { openShard, type Shard } from './dataset-archive.js';
export {
  type DatasetManifest,
  type DatasetSplit,
  datasetManifestSchema,
  datasetPrefix,
  datasetRef,
} from './dataset-manifest.js';
export {
  type Dataset,
  type DatasetImage,
  loadTrainingSet,
  openDataset,
  type ReadOptions,
  type TrainingSet,
} from './dataset-reader.js';
export { describeImages, type ImageDescription } from './describe-images.js';
export { findDuplicates } from './duplicates.js';
export { exportZip } from './export-zip.js';
export type { ImageSource, SourceImage } from './image-source.js';
export { type PlannedDataset, type PlanOptions, planDataset } from './plan.js';
export { readPlan } from './plan-file.js';
export { decodePng, encodePng } from './png.js';
export { decodeStored, storedAsPng } from './stored-image.js';
export { channelsOf, ownOptions, type ProcessOptions, processImage } from './process.js';
export { openSource } from './source.js';
export { splitSurvey, type Survey, surveySource } from './survey.js';
export { writeStoredZip, type ZipFileContent } from './stored-zip.js';
