/**
 * The loop beside train.py: its ticks become progress, its snapshots checkpoints, its end the
 * outcome.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError, TrainerCrashError } from '../../core/errors.js';
import { log } from '../../core/log.js';
import { CHECKPOINT_PARTS } from '../../checkpoints/manifest.js';
import type { CheckpointUploads } from '../../checkpoints/uploads.js';
import { openUploads, outcomeOf } from '../both-engines.js';
import { PreviewPainter } from '../preview.js';
import { RESUME_HINT, type TrainerJob, type TrainingOutcome } from '../process/messages.js';
import type { TrainerControls } from '../controls.js';
import { officialArguments, snapshotKimg } from './arguments.js';
import { OfficialProcess } from './child.js';
import { type OfficialTraining, openOfficialTraining } from './open.js';
import { TickAllowance } from './tick-allowance.js';
import { continuedLine, countersAt, imagesPerSecond, lossesOf, type Point } from './progress.js';
import { RunFolder, type Tick } from './run-folder.js';
import { snapshotParts } from './snapshot.js';
import { errorOfExit, type Exit, wasTerminated } from './exit-error.js';

const POLL_MS = 250;
/** A request to stop arrives within this time. */
const STOP_REQUEST_MS = 10_000;
/** For compiling and running the generator on the CPU. */
const PREVIEW_ALLOWANCE_MS = 20 * 60_000;

/**
 * Trains with the user's checkout of the official trainer from the newest intact checkpoint, or
 * from scratch, until `targetKimg` are shown or a stop is requested. docs/official-trainer.md
 * describes what is not bit-exact.
 *
 * @param surroundings env: of train.py, without what this process has set for itself; folder: for
 *   its files, removed by the supervisor, since a killed process cannot
 * @throws SetupError when there is no checkout or its Python does not fit; TrainerCrashError when
 *   train.py ended or hung; TrainingError when it ran out of the GPU's memory or refused its
 *   options; CheckpointError and StaleAttemptError as the built-in trainer does
 */
export async function runOfficialTraining(
  job: TrainerJob,
  controls: TrainerControls,
  { env, folder }: { env: NodeJS.ProcessEnv; folder: string },
): Promise<TrainingOutcome> {
  if (controls.shouldStop()) return { type: 'stopped', checkpoint: null };
  const scratch = await mkdtemp(path.join(folder, 'stylegan3-'));
  try {
    const training = await openOfficialTraining(job, controls, scratch);
    const { resumption, warnings, transfer } = training;
    const resumedFrom = resumption.from;
    const images = Math.round(job.targetKimg * 1000) - training.base.images;
    const isDone = images <= 0;
    const run = isDone ? null : await startRun(job, controls, training, { scratch, env, images });
    controls.emit({ type: 'started', resumedFrom, warnings, ...(transfer && { transfer }) });
    if (run) return await run.outcome();
    const uploads = openUploads(job, controls, training);
    const isStored = await uploads.settle(controls.shouldStop).finally(() => uploads.close());
    return outcomeOf(isStored, uploads.newest);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function startRun(
  job: TrainerJob,
  controls: TrainerControls,
  training: OfficialTraining,
  { scratch, env, images }: { scratch: string; env: NodeJS.ProcessEnv; images: number },
): Promise<OfficialRun> {
  const { train, checkout, archive, base, start, config } = training;
  const outdir = path.join(scratch, 'runs');
  await mkdir(outdir);
  const args = officialArguments(train, config, {
    outdir,
    data: archive,
    kimg: Math.ceil(images / 1000),
    // Another order of the data than in the previous attempt.
    seed: (train.seed + Math.floor(base.images / 1000)) % 2 ** 31,
    resume: start,
  });
  const folders = { [checkout.folder]: '<checkout>', [scratch]: '<scratch>', [archive]: '<data set>' };
  const child = new OfficialProcess({ checkout, args, env, folders });
  return new OfficialRun(job, controls, training, { child, folder: new RunFolder(outdir) });
}

class OfficialRun {
  private readonly tickAllowance = new TickAllowance();
  private readonly uploads: CheckpointUploads;
  private readonly painter: PreviewPainter;
  private readonly target: number;
  private readonly snapshotImages: number;
  private ticks = 0;
  /** Snapshots to be written as checkpoints, oldest first. */
  private readonly pending: Point[] = [];
  private newest: Point | null = null;
  private writtenStep = -1;
  // The first one at once: an unreadable snapshot should end the training before it has taken days.
  private writtenAt = Number.NEGATIVE_INFINITY;

  private readonly child: OfficialProcess;
  private readonly folder: RunFolder;

  constructor(
    private readonly job: TrainerJob,
    private readonly controls: TrainerControls,
    private readonly training: OfficialTraining,
    { child, folder }: { child: OfficialProcess; folder: RunFolder },
  ) {
    this.child = child;
    this.folder = folder;
    const { config, fixed } = training;
    this.uploads = openUploads(job, controls, training);
    this.painter = new PreviewPainter(config, job.train.mode, fixed.classes);
    this.target = Math.round(job.targetKimg * 1000);
    this.snapshotImages = 1000 * snapshotKimg(job.train);
  }

  async outcome(): Promise<TrainingOutcome> {
    const { child, uploads, tickAllowance, controls } = this;
    try {
      for (;;) {
        // Read before the folder: files written before its end are seen then.
        const { exit } = child;
        await this.readNewTicks();
        uploads.rethrow();
        if (exit) return await this.conclude(exit);
        if (controls.shouldStop()) return await this.stop();
        if (tickAllowance.leftMs <= 0) throw await this.hung();
        if (uploads.idle) await this.writeNext();
        controls.startOperation(
          tickAllowance.hasStarted ? 'training' : 'starting the official trainer',
          tickAllowance.leftMs,
        );
        await Promise.race([child.ended, sleep(POLL_MS, undefined, { ref: false })]);
      }
    } catch (error) {
      // A checkpoint being uploaded holds an earlier, good state: it is worth waiting for.
      await uploads.drain();
      throw error;
    } finally {
      await child.kill();
      this.painter.dispose();
      await uploads.close();
    }
  }

  /** Records every tick since the last call. */
  private async readNewTicks(): Promise<void> {
    for (const tick of await this.folder.newTicks()) this.recordTick(tick);
  }

  private recordTick(tick: Tick): void {
    const { base, statsLines } = this.training;
    const before = this.newest?.counters.images ?? base.images;
    const counters = countersAt(base, tick, this.ticks++, this.job.train.batch);
    const { images, step } = counters;
    this.tickAllowance.advance(tick);
    statsLines.push(continuedLine(tick.record, counters));
    const crossed = Math.floor(images / this.snapshotImages) > Math.floor(before / this.snapshotImages);
    this.newest = {
      file: RunFolder.snapshotName(tick),
      counters,
      lines: statsLines.length,
      snapshot: crossed,
    };
    if (crossed) this.pending.push(this.newest);
    const [kimg, rate, losses] = [images / 1000, imagesPerSecond(tick.record), lossesOf(tick.record)];
    this.controls.emit({ type: 'progress', kimg, step, imagesPerSecond: rate, losses });
  }

  /** Starts the upload of the next pending snapshot, or of the newest when a checkpoint is due. */
  private async writeNext(): Promise<void> {
    const isTime = performance.now() - this.writtenAt >= this.job.train.checkpointMinutes * 60_000;
    const isNew = this.newest !== null && this.newest.counters.step > this.writtenStep;
    // The last one becomes a snapshot when train.py ends without an error: written before, it would
    // be written twice.
    const isLast = (this.newest?.counters.images ?? 0) >= this.target;
    const next = this.pending.shift() ?? (isTime && isNew && !isLast ? this.newest : null);
    if (next) await this.write(next);
  }

  private async write({ file, counters, lines, snapshot }: Point): Promise<void> {
    const { training, controls, folder } = this;
    const bytes = await folder.readSnapshot(file);
    if (!bytes) {
      throw new SetupError({
        what: `train.py has ended a tick without writing ${file}`,
        where: 'GIST_STYLEGAN3_DIR',
        hint: 'Use an unchanged checkout of StyleGAN3.',
      });
    }
    const { parts, average, notes } = snapshotParts(bytes, file, training.config);
    if (this.writtenStep < 0) for (const note of notes) log.warn(note);
    const statistics = training.statsLines.slice(0, lines).map((line) => `${line}\n`);
    parts[CHECKPOINT_PARTS.stats] = Buffer.from(statistics.join(''));
    if (snapshot) {
      controls.startOperation('drawing a preview', PREVIEW_ALLOWANCE_MS);
      parts[CHECKPOINT_PARTS.preview] = await this.painter.paint(average);
    }
    const { step, images } = counters;
    this.uploads.start({
      draft: { kimg: images / 1000, step, snapshot, counters, ...training.fixed },
      parts,
    });
    this.writtenStep = Math.max(this.writtenStep, step);
    this.writtenAt = performance.now();
    const newest = this.newest?.file ?? file;
    await folder.removeBefore(newest, new Set(this.pending.map((point) => point.file)));
  }

  /**
   * Writes the snapshots that are not stored yet; train.py has ended.
   *
   * @returns false when the store is unavailable and they stay on this disk
   */
  private async writeRemaining(isComplete: boolean): Promise<boolean> {
    const { newest, pending, uploads, controls } = this;
    if (newest && (isComplete ? !newest.snapshot : newest.counters.step > this.writtenStep)) {
      newest.snapshot ||= isComplete;
      if (!pending.includes(newest)) pending.push(newest);
    }
    const mayLeave = () => !isComplete || controls.shouldStop();
    for (;;) {
      if (!(await uploads.untilIdle(mayLeave))) return uploads.settle(mayLeave);
      const next = pending.shift();
      if (!next) return uploads.settle(mayLeave);
      await this.write(next);
    }
  }

  private async conclude(exit: Exit): Promise<TrainingOutcome> {
    const { child, newest, uploads } = this;
    child.rethrow();
    const isComplete = exit.code === 0 && newest !== null && newest.counters.images >= this.target;
    const isStored = await this.writeRemaining(isComplete);
    if ((!isStored || wasTerminated(exit)) && (await this.isStopping(exit)))
      return { type: 'stopped', checkpoint: uploads.newest };
    if (isComplete && uploads.newest) return { type: 'done', checkpoint: uploads.newest };
    throw errorOfExit(exit, child.tail, child.ranOutOfGpuMemory && newest === null, this.job.train);
  }

  /** A signal to all processes of a job reaches train.py before the request to stop arrives. */
  private async isStopping(exit: Exit): Promise<boolean> {
    const { shouldStop } = this.controls;
    const deadline = performance.now() + (wasTerminated(exit) ? STOP_REQUEST_MS : 0);
    while (!shouldStop() && performance.now() < deadline) await sleep(POLL_MS);
    return shouldStop();
  }

  /** train.py has no way to stop early: its work since the newest snapshot is lost. */
  private async stop(): Promise<TrainingOutcome> {
    await this.child.kill();
    await this.readNewTicks();
    await this.writeRemaining(false);
    return { type: 'stopped', checkpoint: this.uploads.newest };
  }

  private async hung(): Promise<TrainerCrashError> {
    const seconds = Math.round(this.tickAllowance.allowanceMs / 1000);
    await this.child.kill();
    await this.writeRemaining(false);
    return new TrainerCrashError({
      what: `the official trainer ended no tick within ${seconds} s and was killed`,
      hint: `${RESUME_HINT} If its ticks take longer, set GIST_STYLEGAN3_STALL_SECONDS.`,
    });
  }
}
