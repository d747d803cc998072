/** Weights of classifier networks: published files, and those kept on this machine. */
export { download } from './download.js';
export {
  type ClassifierRecord,
  classifierRecord,
  classifierState,
  findClassifier,
  keepClassifier,
} from './kept.js';
export { isPublished, publishedAddress } from './published.js';
