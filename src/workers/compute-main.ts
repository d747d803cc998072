/** The compute process itself: runs named tasks one after another on native TensorFlow. */
import { environment } from '../core/environment.js';
import { wireError } from '../core/errors.js';
import { ignoreStopSignals, startService } from '../core/process-start.js';
import type { Progress } from '../core/progress.js';
import type { TaskName } from '../spec/compute-tasks.js';
import { openStore } from '../storage/index.js';
import type { ComputeReply, ComputeRequest } from './compute-process.js';
import { isTask, tasks } from './compute-tasks.js';

startService();
const store = openStore(environment.storeUri());

async function runTask<Name extends TaskName>({ id, task, input }: ComputeRequest<Name>): Promise<void> {
  const reply = (message: ComputeReply<Name>) => process.send?.(message);
  const onProgress = (progress: Progress) => reply({ id, type: 'progress', progress });
  try {
    if (!isTask(task)) throw new Error(`no task has the name ${task}`);
    reply({ id, type: 'result', result: await tasks[task](store, input, onProgress) });
  } catch (error) {
    reply({ id, type: 'error', error: wireError(error) });
  }
}

process.on('message', (request: ComputeRequest<TaskName>) => void runTask(request));
// The worker has ended: nobody waits for a result.
process.on('disconnect', () => process.exit(0));
// The worker's own shutdown decides when this process ends; signals reach the whole group.
ignoreStopSignals();
