/** The public interface of the checkpoints folder; it loads no numeric library. */
export { type CheckpointManifest, trainPrefix } from './manifest.js';
export { findManifest, listSnapshots, newestListed, newestVerified, weightsDigest } from './reader.js';
