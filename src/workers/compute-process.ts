/**
 * The worker's handle of the compute process: a child that keeps TensorFlow and its graphs loaded,
 * replaced when it ends.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment } from '../core/environment.js';
import { rejectedBy } from '../core/abort.js';
import { reviveError, TrainerCrashError, type WireError } from '../core/errors.js';
import { type OnProgress, type Progress, WAITING } from '../core/progress.js';
import type { Compute, ComputeTasks, TaskName } from '../spec/compute-tasks.js';

/** What the worker sends to the child. */
export interface ComputeRequest<Name extends TaskName> {
  id: number;
  task: Name;
  input: ComputeTasks[Name]['input'];
}

/** What the child sends back. */
export type ComputeReply<Name extends TaskName> =
  | { id: number; type: 'progress'; progress: Progress }
  | { id: number; type: 'result'; result: ComputeTasks[Name]['result'] }
  | { id: number; type: 'error'; error: WireError };

/** A task in the queue reports progress this often. */
const WAITING_REPORT_MS = 5_000;

const MAIN = fileURLToPath(new URL('./compute-main.js', import.meta.url));

interface TaskOptions {
  onProgress: OnProgress;
  signal: AbortSignal;
}

export class ComputeProcess implements Compute {
  private child: ChildProcess | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private nextId = 1;
  private runningTasks = 0;
  private pendingTasks = 0;
  private trainings = 0;

  /**
   * @param sharesCard whether trainings use the memory that the child holds between tasks. On a
   *   CPU they do not, and loading the library again for each task would cost seconds.
   */
  constructor(private readonly sharesCard = environment.tensorflow() === 'cuda') {}

  /** Whether it has tasks, running or in its queue. */
  get isBusy(): boolean {
    return this.pendingTasks > 0;
  }

  async run<Name extends TaskName>(
    task: Name,
    input: ComputeTasks[Name]['input'],
    options: TaskOptions,
  ): Promise<ComputeTasks[Name]['result']> {
    this.pendingTasks++;
    const turn = this.queue;
    const work = waitForTurn(turn, options).then(() =>
      this.keepingCount(() => this.runNow({ id: this.nextId++, task, input }, options)),
    );
    // A canceled task that waits gives up its turn, not the turn of the running one.
    this.queue = Promise.allSettled([turn, work]);
    return work.finally(() => {
      this.pendingTasks--;
    });
  }

  async lendDevice<Result>(training: () => Promise<Result>): Promise<Result> {
    this.trainings++;
    await this.giveBackIfIdle();
    try {
      return await training();
    } finally {
      this.trainings--;
    }
  }

  private async keepingCount<Result>(task: () => Promise<Result>): Promise<Result> {
    this.runningTasks++;
    try {
      return await task();
    } finally {
      this.runningTasks--;
      await this.giveBackIfIdle();
    }
  }

  private async giveBackIfIdle(): Promise<void> {
    if (this.sharesCard && this.trainings > 0 && this.runningTasks === 0) await this.close();
  }

  async close(): Promise<void> {
    const { child } = this;
    this.child = null;
    // After a signal there is no exit code, and no further event either.
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  private runNow<Name extends TaskName>(
    request: ComputeRequest<Name>,
    { onProgress, signal }: TaskOptions,
  ): Promise<ComputeTasks[Name]['result']> {
    const child = this.runningChild();
    return new Promise((resolve, reject) => {
      // The activity aborts a task that hangs.
      const kill = () => child.kill('SIGKILL');
      const settle = (finish: () => void) => {
        child.off('message', onReply).off('exit', onExit);
        signal.removeEventListener('abort', kill);
        finish();
      };
      const onReply = (reply: ComputeReply<Name>) => {
        if (reply.id !== request.id) return;
        if (reply.type === 'progress') onProgress(reply.progress);
        if (reply.type === 'result') settle(() => resolve(reply.result));
        if (reply.type === 'error') settle(() => reject(reviveError(reply.error)));
      };
      const onExit = (code: number | null, by: NodeJS.Signals | null) => {
        if (this.child === child) this.child = null;
        settle(() => reject(signal.aborted ? signal.reason : crashed(request.task, code, by)));
      };
      child.on('message', onReply).once('exit', onExit);
      signal.addEventListener('abort', kill, { once: true });
      child.send(request, (error) => error && kill());
    });
  }

  private runningChild(): ChildProcess {
    if (!this.child || this.child.exitCode !== null || !this.child.connected) {
      this.child = fork(MAIN, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    }
    return this.child;
  }
}

async function waitForTurn(turn: Promise<unknown>, { onProgress, signal }: TaskOptions): Promise<void> {
  const waiting = setInterval(() => onProgress({ done: 0, unit: WAITING }), WAITING_REPORT_MS);
  try {
    await Promise.race([turn, rejectedBy(signal)]);
    signal.throwIfAborted();
  } finally {
    clearInterval(waiting);
  }
}

function crashed(task: string, code: number | null, signal: NodeJS.Signals | null): TrainerCrashError {
  return new TrainerCrashError({
    what: `the compute process ended under task ${task} (${signal ?? `exit code ${code}`})`,
    hint: 'It is restarted; if this repeats, look for memory pressure or run `gist doctor`.',
  });
}
