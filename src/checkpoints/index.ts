/** The public interface of the checkpoints folder; it loads no numeric library. */
export { explainStrength, strengthNote } from './augmentation-strength.js';
export {
  type AttemptRecord,
  type Attempt,
  findAttempt,
  findAttemptLog,
  listAttempts,
  readAttempts,
} from './attempts.js';
export { findPoints, recordPoints, storedCurve } from './curve.js';
export { describeAutomaticSetting, findAutomaticSettings } from './automatic-settings.js';
export { type CheckpointManifest, trainPrefix } from './manifest.js';
export { findManifest, listSnapshots, newestListed, newestVerified, weightsDigest } from './reader.js';
