/**
 * Liveness of the trainer while native code blocks its event loop: a thread that reports it as
 * alive, for a limited time.
 */
import { Worker } from 'node:worker_threads';

/**
 * Writes `alive` lines to standard output every few seconds, until the current operation has taken
 * longer than its `allowanceMs`. One native call (compiling a phase, a large step) may take
 * minutes; after its allowance the lines stop, and the supervisor ends the process. The lines of a
 * process that was stopped by a signal end at once.
 */
export class Liveness {
  private readonly shared = new SharedArrayBuffer(16);
  private readonly deadline = new Float64Array(this.shared, 0, 1);
  private readonly operation = new Int32Array(this.shared, 8, 1);
  private allowanceMs = 0;

  constructor(
    private readonly operations: readonly string[],
    intervalMs = 5_000,
  ) {
    this.deadline[0] = 0;
    const thread = new Worker(THREAD, {
      eval: true,
      workerData: { shared: this.shared, operations, intervalMs },
    });
    thread.unref();
  }

  /** The operation that starts now, and how long it may take. */
  startOperation(operation: string, allowanceMs: number): void {
    this.operation[0] = Math.max(0, this.operations.indexOf(operation));
    this.allowanceMs = allowanceMs;
    this.extend();
  }

  /** The current operation waits for something else, and has its whole time again. */
  extend(): void {
    this.deadline[0] = Date.now() + this.allowanceMs;
  }
}

/**
 * Plain JavaScript, since it runs without a file of its own; writeSync reaches the pipe while the
 * other thread is busy.
 */
const THREAD = `
const { writeSync } = require('node:fs');
const { workerData } = require('node:worker_threads');
const { shared, operations, intervalMs } = workerData;
const deadline = new Float64Array(shared, 0, 1);
const operation = new Int32Array(shared, 8, 1);
setInterval(() => {
  if (Date.now() > deadline[0]) return;
  try {
    writeSync(1, JSON.stringify({ type: 'alive', operation: operations[operation[0]] }) + '\\n');
  } catch {
    // A full or closed pipe: the next line tries again, or the process ends.
  }
}, intervalMs);
`;
