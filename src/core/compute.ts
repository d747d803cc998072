/** What numeric work is run by: the interface between those who ask for it and the process that does it. */
import type { OnProgress } from './progress.js';

/** Runs one named task in a process of its own kind, so that native crashes and leaks stay there. */
export interface Compute {
  /**
   * @param task name of the task
   * @param input plain JSON
   * @returns the task's result, plain JSON
   * @throws GistError as thrown by the task; TrainerCrashError when the process died under it
   */
  run<Result>(
    task: string,
    input: unknown,
    options: { onProgress: OnProgress; signal: AbortSignal },
  ): Promise<Result>;
}
