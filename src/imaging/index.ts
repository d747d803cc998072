/** Public interface of the imaging folder. */
export { assembleDataset } from './dataset/assemble.js';
export { buildShard, type WorkOptions } from './dataset/build-shard.js';
export { openShard, type Shard } from './dataset/dataset-archive.js';
export {
  type DatasetManifest,
  type DatasetSplit,
  datasetManifestSchema,
  datasetPrefix,
  datasetRef,
  LABEL_FILES,
  labelFileSchema,
  REJECTED_LIST,
  type RejectedImage,
  rejectedListSchema,
} from './dataset/dataset-manifest.js';
export {
  type Dataset,
  type DatasetImage,
  loadTrainingSet,
  openDataset,
  readLabels,
  type ReadOptions,
  type TrainingSet,
} from './dataset/dataset-reader.js';
export { describeImages, type ImageDescription } from './source/describe-images.js';
export { type Findings, findingRows, warningsOf } from './dataset/findings.js';
export { findDuplicates } from './split/duplicates.js';
export { exportZip } from './dataset/export-zip.js';
export type { ImageSource, SourceImage } from './source/image-source.js';
export { lookShard } from './dataset/looks.js';
export { type PlannedDataset, type PlanOptions, planDataset } from './dataset/plan.js';
export { planWindow } from './dataset/plan-window.js';
export { readPlan } from './dataset/plan-file.js';
export { nameRejected, type RejectedList } from './dataset/rejected-names.js';
export { EXPOSURE_BINS, type Exposure } from './dataset/exposure.js';
export { findTextExamples, type TextExamples } from './pixels/text-examples.js';
export { settingsOf } from './pixels/frame-settings.js';
export { decodePng, encodePng } from './pixels/png.js';
export { decodeStored, storedAsPng } from './dataset/stored-image.js';
export { channelsOf, ownOptions, type ProcessOptions, processImage } from './pixels/process.js';
export { openSource } from './source/source.js';
export { splitSurvey, type Survey, surveySource, usedImages } from './dataset/survey.js';
export { writeStoredZip, type ZipFileContent } from './dataset/stored-zip.js';
