/** The public interface of the checkpoints folder; it loads no numeric library. */
export { type CheckpointManifest, manifestSchema, trainPrefix } from './manifest.js';
export { newestEntry } from './ownership.js';
export { weightsDigest } from './reader.js';
export { findNewestCheckpoint, listSnapshots, newestCheckpoint } from './writer.js';
