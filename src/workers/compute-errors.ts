/** What a task's error on native TensorFlow means: TensorFlow tells it in a message only. */
import { GistError, messageWithoutPaths, TrainerCrashError } from '../core/errors.js';
import { deviceError, reportsOutOfMemory } from '../training/index.js';

/** The error to report: of a class that says who can mend it, as far as that is known. */
export function explainError(thrown: unknown, task: string): unknown {
  if (thrown instanceof GistError || !(thrown instanceof Error)) return thrown;
  const message = messageWithoutPaths(thrown);
  if (reportsOutOfMemory(message))
    return new TrainerCrashError({
      what: `memory ran out under task ${task}`,
      hint: 'Other work may have taken it: the task is tried again. If this repeats, end other programs on this device or use another worker.',
      cause: thrown,
    });
  return deviceError([message]) ?? thrown;
}

/**
 * Whether the process that raised the error must end: each later operation of a broken CUDA context
 * fails too, whatever the first error was.
 */
export function mayHaveBrokenContext(thrown: unknown): boolean {
  return !(thrown instanceof GistError);
}
