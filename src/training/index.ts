/**
 * The public interface of the training folder for code that starts and follows trainings; it loads
 * no numeric library.
 */
export type { TrainerEvent, TrainerJob, TrainingOutcome } from './process/messages.js';
export { type SuperviseOptions, superviseTrainer } from './process/supervisor.js';
export { deviceError } from './device-errors.js';
export { deviceMemory } from './device-memory.js';
export { availableMemory, freeMemory, reportsOutOfMemory } from './memory.js';
export { leastDeviceMemory } from './needed-memory.js';
