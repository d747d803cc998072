/** The training loop: status, snapshot, checkpoint, step. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { CheckpointUploads } from '../checkpoints/uploads.js';
import { usesGpu } from '../nn/tensorflow.js';
import { openUploads, outcomeOf } from './both-engines.js';
import { assertFinite } from './finite.js';
import { collect, endTick } from './statistics.js';
import { openTraining } from './open.js';
import { captureState, closeTraining, type Training } from './training.js';
import type { TrainerJob, TrainingOutcome } from './process/messages.js';
import { BUILD_ALLOWANCE_MS, type Operation, type TrainerControls } from './controls.js';
import { StepAllowance } from './step-allowance.js';
import { takeStep } from './step.js';

/** Thousands of images between two lines of stats.jsonl (StyleGAN3's `--tick`), at most. */
const KIMG_PER_TICK = 4;
const PROGRESS_MS = 1_000;

/**
 * Trains from the newest intact checkpoint, or from scratch, until `targetKimg` are shown or a stop
 * is requested. The result depends on the job's settings and the number of steps only: it is
 * bit-exact on a CPU, whatever stops, resumptions and checkpoints there are.
 *
 * @throws CheckpointError when the checkpoints are of another configuration; StaleAttemptError when
 *   a later attempt owns the training; TrainingError when a loss or a weight is no longer finite;
 *   StoreUnavailableError when the store stays unavailable before the first step.
 */
export async function runTraining(job: TrainerJob, controls: TrainerControls): Promise<TrainingOutcome> {
  if (controls.shouldStop()) return { type: 'stopped', checkpoint: null };
  const training = await openTraining(job, controls);
  const uploads = openUploads(job, controls, training);
  try {
    return await new TrainingLoop({ job, controls, training, uploads }).run();
  } catch (error) {
    // A checkpoint being uploaded holds an earlier, good state: it is worth waiting for, longer
    // than for a step.
    await uploads.drain();
    throw error;
  } finally {
    closeTraining(training);
    await uploads.close();
  }
}

interface LoopParts {
  job: TrainerJob;
  controls: TrainerControls;
  training: Training;
  uploads: CheckpointUploads;
}

class TrainingLoop {
  private readonly targetImages: number;
  private readonly snapshotImages: number;
  private readonly tickImages: number;
  private readonly checkpointMs: number;
  private readonly meter: Meter;
  private checkpointedAt = performance.now();
  private readonly allowance: StepAllowance;

  constructor(private readonly parts: LoopParts) {
    const { job, training } = parts;
    this.targetImages = Math.round(job.targetKimg * 1000);
    this.snapshotImages = Math.max(1, Math.round(job.train.snapshotKimg * 1000));
    this.tickImages = Math.min(KIMG_PER_TICK * 1000, this.snapshotImages);
    this.checkpointMs = job.train.checkpointMinutes * 60_000;
    this.meter = new Meter(training.counters.images);
    this.allowance = new StepAllowance(training.schedule);
  }

  async run(): Promise<TrainingOutcome> {
    const { controls, training, uploads } = this.parts;
    for (;;) {
      await breathe();
      uploads.rethrow();
      const done = training.counters.images >= this.targetImages;
      const halting = done || controls.shouldStop();
      this.reportProgress(done, halting);
      const isKept = await this.captureIfDue(done, halting);
      if (halting || !isKept) {
        const isStored = await uploads.settle(controls.shouldStop);
        return outcomeOf(done && isKept && isStored, uploads.newest);
      }
      await this.step();
    }
  }

  /** A line of stats.jsonl a tick, the first one after the first step. */
  private reportProgress(done: boolean, halting: boolean): void {
    const { training, controls } = this.parts;
    const { counters, losses } = training;
    if (tickIsDue(training, this.tickImages, done)) {
      const { line, tick } = endTick(counters, Date.now());
      training.statsLines.push(line);
      counters.tick = tick;
    }
    if (halting || this.meter.isDue())
      controls.emit({ type: 'progress', ...this.meter.read(counters), losses });
  }

  /**
   * Gives a snapshot or a checkpoint to the uploads. The images shown define snapshots; other
   * checkpoints may come at any time, but not before the first step.
   *
   * @returns false when a stop was requested while neither the disk nor the store takes states
   */
  private async captureIfDue(done: boolean, halting: boolean): Promise<boolean> {
    const { controls, training, uploads } = this.parts;
    const { step, images } = training.counters;
    const isNew = step !== uploads.newestStep;
    const snapshot = images > 0 && (done || this.crossesSnapshot(images));
    const isOverdue = step > 0 && performance.now() - this.checkpointedAt >= this.checkpointMs;
    if (!isNew || !(snapshot || halting || (isOverdue && uploads.idle))) return true;
    if (!(await uploads.untilIdle(controls.shouldStop))) return false;
    controls.startOperation('drawing a preview', BUILD_ALLOWANCE_MS);
    uploads.start(await captureState(training, snapshot));
    this.checkpointedAt = performance.now();
    return true;
  }

  private crossesSnapshot(images: number): boolean {
    const { batch } = this.parts.training.options;
    const snapshots = (shown: number) => Math.floor(shown / this.snapshotImages);
    return snapshots(images) > snapshots(images - batch);
  }

  private async step(): Promise<void> {
    const { controls, training } = this.parts;
    const { step } = training.counters;
    controls.startOperation(this.operationOf(step), this.allowance.of(step));
    const before = performance.now();
    const outputs = await takeStep(training);
    const took = performance.now() - before;
    this.allowance.record(step, took);
    training.counters.seconds += took / 1000;
    record(training, outputs);
  }

  private operationOf(step: number): Operation {
    if (!this.allowance.compiles(step)) return 'training';
    return usesGpu() ? 'compiling for this GPU, once' : 'compiling';
  }
}

/** StyleGAN3's rule: a line after the first step, after each tick's images, and at the end. */
function tickIsDue({ counters }: Training, tickImages: number, done: boolean): boolean {
  const { tick, images } = counters;
  if (images === tick.startImages) return false;
  return done || tick.index === 0 || images >= tick.startImages + tickImages;
}

/**
 * Adds a step's outputs to the statistics.
 *
 * @throws TrainingError naming the first value that is not finite.
 */
function record(training: Training, outputs: Record<string, Float32Array>): void {
  const { counters } = training;
  assertFinite(outputs, counters.step);
  for (const [name, values] of Object.entries(outputs)) {
    collect(counters.tick, name, values);
    if (name.includes('loss') || name.includes('penalty')) {
      training.losses[name] = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    }
  }
}

/** Images per second since the previous reading. */
class Meter {
  private at = performance.now();
  private rate = 0;

  constructor(private images: number) {}

  isDue(): boolean {
    return performance.now() - this.at >= PROGRESS_MS;
  }

  read({ images, step }: { images: number; step: number }): {
    kimg: number;
    step: number;
    imagesPerSecond: number;
  } {
    const now = performance.now();
    if (images > this.images) this.rate = (1000 * (images - this.images)) / (now - this.at);
    this.images = images;
    this.at = now;
    return { kimg: images / 1000, step, imagesPerSecond: Math.round(this.rate * 100) / 100 };
  }
}
