/** Weights of classifier networks: published files, and those kept on this machine. */
export { download } from './download.js';
export { classifierState, findClassifier, keepClassifier } from './kept.js';
export { hasPublishedDigest, isPublished, publishedAddress } from './published.js';
export { type ClassifierRecord, classifierRecord } from './record.js';
