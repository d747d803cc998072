/** The door of the gan folder for those who start and follow trainings; it loads no numeric library. */
export { type CheckpointManifest, trainPrefix } from './checkpoint.js';
export { weightsDigest } from './checkpoint-reading.js';
export { findNewestCheckpoint, listSnapshots, newestCheckpoint } from './checkpoint-store.js';
export type { TrainerEvent, TrainerJob } from './trainer-events.js';
export { describeTransfer, findTransfer } from './transfer-report.js';
export { type SuperviseOptions, superviseTrainer, type TrainerOutcome } from './trainer-supervisor.js';
