/** The compute process itself: runs named tasks one after another on native TensorFlow. */
import { environment } from '../core/environment.js';
import { wireError } from '../core/errors.js';
import { ignoreStopSignals, startService } from '../core/process-start.js';
import type { Progress } from '../core/progress.js';
import type { TaskName } from '../spec/compute-tasks.js';
import { openStore } from '../storage/index.js';
import type { ComputeReply, ComputeRequest } from './compute-process.js';
import { explainError, mayHaveBrokenContext } from './compute-errors.js';
import { isTask, tasks } from './compute-tasks.js';

startService();
const store = openStore(environment.storeUri());

async function runTask<Name extends TaskName>({ id, task, input }: ComputeRequest<Name>): Promise<void> {
  const reply = (message: ComputeReply<Name>, sent?: () => void) =>
    process.send?.(message, undefined, undefined, sent);
  const onProgress = (progress: Progress) => reply({ id, type: 'progress', progress });
  try {
    if (!isTask(task)) throw new Error(`no task has the name ${task}`);
    reply({ id, type: 'result', result: await tasks[task](store, input, onProgress) });
  } catch (error) {
    const ends = environment.tensorflow() === 'cuda' && mayHaveBrokenContext(error);
    const explained = wireError(explainError(error, task));
    reply({ id, type: 'error', error: explained }, () => ends && end());
  }
}

/** The worker may learn of an end before it has read the last message: it reads that first. */
const END_MS = 500;

/** Gives up the connection, so that the worker starts another process for its next task. */
function end(): void {
  process.off('disconnect', leave).disconnect();
  setTimeout(leave, END_MS);
}

function leave(): void {
  process.exit(0);
}

process.on('message', (request: ComputeRequest<TaskName>) => void runTask(request));
// The worker has ended: nobody waits for a result.
process.on('disconnect', leave);
// The worker's own shutdown decides when this process ends; signals reach the whole group.
ignoreStopSignals();
