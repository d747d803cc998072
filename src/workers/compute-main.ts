/** The compute process itself: runs named tasks one after another on native TensorFlow. */
import { wireError } from '../core/errors.js';
import type { Progress } from '../core/progress.js';
import { environment } from '../core/environment.js';
import { openStore } from '../storage/index.js';
import { isTask, tasks } from './compute-tasks.js';
import type { ComputeReply, ComputeRequest } from './compute-process.js';

const store = openStore(environment.storeUri());

function reply(message: ComputeReply): void {
  process.send?.(message);
}

async function answer({ id, task, input }: ComputeRequest): Promise<void> {
  const onProgress = (progress: Progress) => reply({ id, type: 'progress', progress });
  try {
    if (!isTask(task)) throw new Error(`no task is called ${task}`);
    reply({ id, type: 'result', result: await tasks[task](store, input as never, onProgress) });
  } catch (error) {
    reply({ id, type: 'error', error: wireError(error) });
  }
}

process.on('message', (request: ComputeRequest) => void answer(request));
// The worker is gone: nobody waits for a result.
process.on('disconnect', () => process.exit(0));
// The worker's own shutdown decides when this process ends; a Ctrl-C on the terminal reaches the whole group.
process.on('SIGINT', () => undefined);
