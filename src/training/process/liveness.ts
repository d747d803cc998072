/** Signs of life while native code keeps the event loop busy: a thread that vouches for the trainer, but not for ever. */
import { Worker } from 'node:worker_threads';

/**
 * Writes `alive` lines to standard output every few seconds, as long as the trainer's own thread has said less than
 * `allowanceMs` ago what it is at. One native call (compiling a phase, a large step) may take minutes; one that takes
 * longer than it was allowed falls silent, and the supervisor then ends the process. A stopped process is silent at once.
 */
export class Pulse {
  private readonly shared = new SharedArrayBuffer(16);
  private readonly deadline = new Float64Array(this.shared, 0, 1);
  private readonly stage = new Int32Array(this.shared, 8, 1);
  private readonly thread: Worker;

  constructor(
    private readonly stages: readonly string[],
    intervalMs = 5_000,
  ) {
    this.deadline[0] = 0;
    this.thread = new Worker(THREAD, { eval: true, workerData: { shared: this.shared, stages, intervalMs } });
    this.thread.unref();
  }

  /** What the trainer does from now on, and how long it may take. */
  doing(stage: string, allowanceMs: number): void {
    this.stage[0] = Math.max(0, this.stages.indexOf(stage));
    this.deadline[0] = Date.now() + allowanceMs;
  }

  async end(): Promise<void> {
    await this.thread.terminate();
  }
}

/** Plain JavaScript, since it runs without a file of its own; writeSync reaches the pipe while the other thread is busy. */
const THREAD = `
const { writeSync } = require('node:fs');
const { workerData } = require('node:worker_threads');
const { shared, stages, intervalMs } = workerData;
const deadline = new Float64Array(shared, 0, 1);
const stage = new Int32Array(shared, 8, 1);
setInterval(() => {
  if (Date.now() > deadline[0]) return;
  try {
    writeSync(1, JSON.stringify({ type: 'alive', doing: stages[stage[0]] }) + '\\n');
  } catch {
    // A full or closed pipe: the next beat tries again, or the process ends.
  }
}, intervalMs);
`;
