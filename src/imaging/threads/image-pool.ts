/** Threads of this process that hash files and make images, one for each processor. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
// A native library must be loaded before the threads that use it, so that it outlives them.
import 'sharp';
import type { Reply, Request, Task, TaskResults } from './messages.js';
import { sharedLimitMemory } from './shared-limit.js';

/** Tasks that a thread has received and not finished: the next one is there when one is done. */
const TASKS_A_THREAD = 2;

export const THREADS = availableParallelism();
/** Tasks that keep all threads busy. */
export const TASKS_IN_FLIGHT = THREADS * TASKS_A_THREAD;

interface Waiting {
  resolve: (result: TaskResults[Task['kind']]) => void;
  reject: (error: Error) => void;
}

interface Thread {
  worker: Worker;
  running: Map<number, Waiting>;
}

class ImagePool {
  readonly #memory = sharedLimitMemory();
  readonly #threads: Thread[] = [];
  readonly #queue: { task: Task; waiting: Waiting }[] = [];
  #lastId = 0;
  isBroken = false;

  run<Kind extends Task['kind']>(task: Extract<Task, { kind: Kind }>): Promise<TaskResults[Kind]> {
    return new Promise((resolve, reject) => {
      const waiting = { resolve: resolve as Waiting['resolve'], reject };
      this.#queue.push({ task, waiting });
      this.#sendWaiting();
    });
  }

  #sendWaiting(): void {
    for (;;) {
      const thread = this.#freeThread();
      const next = thread && this.#queue.shift();
      if (!thread || !next) return;
      const request: Request = { id: ++this.#lastId, task: next.task };
      thread.running.set(request.id, next.waiting);
      thread.worker.ref();
      thread.worker.postMessage(request);
    }
  }

  /** A thread starts when there is work that no other thread is free to do. */
  #freeThread(): Thread | undefined {
    const least = this.#threads.reduce<Thread | undefined>(
      (best, thread) => (best && best.running.size <= thread.running.size ? best : thread),
      undefined,
    );
    if (least?.running.size === 0) return least;
    if (this.#threads.length < THREADS && this.#queue.length > 0) return this.#start();
    return least && least.running.size < TASKS_A_THREAD ? least : undefined;
  }

  #start(): Thread {
    const worker = new Worker(new URL('./image-thread.js', import.meta.url), { workerData: this.#memory });
    const thread: Thread = { worker, running: new Map() };
    worker.on('message', (reply: Reply) => this.#onReply(thread, reply));
    worker.on('error', (error) => this.#onBroken(error));
    this.#threads.push(thread);
    return thread;
  }

  #onReply(thread: Thread, reply: Reply): void {
    const waiting = thread.running.get(reply.id);
    thread.running.delete(reply.id);
    // An idle pool lets the process end.
    if (thread.running.size === 0) thread.worker.unref();
    if ('result' in reply) waiting?.resolve(reply.result);
    else waiting?.reject(Object.assign(new Error(reply.error.message), { code: reply.error.code }));
    this.#sendWaiting();
  }

  /** A dead thread may hold memory of the shared limit: no thread of this pool is used again. */
  #onBroken(error: Error): void {
    this.isBroken = true;
    const all = [
      ...this.#threads.flatMap(({ running }) => [...running.values()]),
      ...this.#queue.map((task) => task.waiting),
    ];
    for (const { worker } of this.#threads) void worker.terminate();
    this.#threads.length = 0;
    this.#queue.length = 0;
    for (const { reject } of all) reject(error);
  }
}

let pool: ImagePool | undefined;

/**
 * Runs a task in one of the threads.
 *
 * @throws errors that are no fault of an image, with the code of the operating system.
 */
export function runTask<Kind extends Task['kind']>(
  task: Extract<Task, { kind: Kind }>,
): Promise<TaskResults[Kind]> {
  if (!pool || pool.isBroken) pool = new ImagePool();
  return pool.run(task);
}
