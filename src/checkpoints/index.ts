/** The public interface of the checkpoints folder; it loads no numeric library. */
export { explainStrength, strengthNote } from './augmentation-strength.js';
export { type AttemptLog, readAttemptLogs } from './attempt-logs.js';
export { type AttemptRecord, findAttempt, findAttemptLog, listAttempts } from './attempts.js';
export { describeAutomaticSetting, findAutomaticSettings } from './automatic-settings.js';
export { type CheckpointManifest, trainPrefix } from './manifest.js';
export { findManifest, listSnapshots, newestListed, newestVerified, weightsDigest } from './reader.js';
