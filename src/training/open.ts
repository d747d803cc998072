/**
 * Opens a training: reads its data and newest checkpoint, compiles its program, restores its state.
 */
import path from 'node:path';
import {
  assertSameConfiguration,
  CHECKPOINT_PARTS,
  type LoadedCheckpoint,
  type NumericEnvironment,
  type TrainingCounters,
  trainPrefix,
} from '../checkpoints/manifest.js';
import { findAutomaticSettings } from '../checkpoints/automatic-settings.js';
import type { Warn } from '../checkpoints/reader.js';
import { decodeVariables, type Variables } from '../checkpoints/variables.js';
import { environment } from '../core/environment.js';
import { initialAugmentation } from '../gan/augment/controller.js';
import { isSum } from '../gan/loss/accumulation.js';
import type { TrainingOptions } from '../gan/loss/options.js';
import { buildTrainingProgram } from '../gan/loss/training-program.js';
import { loadTrainingSet } from '../imaging/dataset/dataset-reader.js';
import { sizeOf } from '../nn/program/definition.js';
import { createProgram, type Program, type ProgramDefinition } from '../nn/program/program.js';
import { nativeBackend, requireGpu, usesGpu } from '../nn/tensorflow.js';
import { groupSize } from '../spec/micro-batches.js';
import { initializeFrom } from '../weights/initialize.js';
import { BUILD_ALLOWANCE_MS, LOADING_ALLOWANCE_MS, type TrainerControls } from './controls.js';
import { TrainingData, type TrainingImages } from './data.js';
import { deviceMemory } from './device-memory.js';
import { availableMemory } from './memory.js';
import { planMemory } from './memory-estimate.js';
import { differences, numericEnvironment } from './numeric-environment.js';
import { planTraining, type TrainingPlan } from './plan.js';
import { reportAutomaticSettings } from './report-settings.js';
import { keepRealImages, PreviewPainter } from './preview.js';
import type { TrainerJob } from './process/messages.js';
import { linesOf } from './statistics.js';
import { keptGraph } from './kept-graph.js';
import { openCheckpoints } from './resume.js';
import type { Training } from './training.js';
import { usedCard } from './used-card.js';
import { collectWarnings } from './warnings.js';

/**
 * @throws CheckpointError when the checkpoints are of another configuration; StaleAttemptError when
 *   a later attempt owns the training; SetupError without the GPU that this machine is set up for
 */
export async function openTraining(job: TrainerJob, controls: TrainerControls): Promise<Training> {
  const { store, emit, startOperation } = controls;
  const { train } = job;
  requireGpu();
  const { warnings, warn } = collectWarnings();
  const images = await readImages(job, controls);
  const runPrefix = trainPrefix(job.runId);
  const { writer, newest, resumption } = await openCheckpoints(store, job, warn);
  const record = newest ? [] : await findAutomaticSettings(store, job.runId);
  const device = usesGpu() ? deviceMemory() : null;
  const plan = planTraining(job, images, newest?.manifest ?? null, record, device);
  const { config, options, classes, configuration, automatic } = plan;
  if (!newest && record.length === 0) await reportAutomaticSettings(store, runPrefix, automatic);
  const totalBytes = usesGpu() ? (device?.totalBytes ?? null) : availableMemory();
  emit({ type: 'memory', ...planMemory(config, options, totalBytes), resumes: newest !== null });
  if (newest) assertSameConfiguration(configuration, newest.manifest, newest.ref.prefix);
  warnOfSmallerGroups(options, warn);
  if (totalBytes === null) warnOfUnknownMemory(train, options, warn);
  const { definition, schedule } = buildTrainingProgram(config, options);
  startOperation('compiling', BUILD_ALLOWANCE_MS);
  const program = await createProgram(definition, {
    mode: train.mode,
    kept: keptGraph({ program: 'training', config, options }),
  });
  const fixed = {
    configuration,
    numericEnvironment: numericEnvironment(train, libraryName(), program.graph, usedCard()),
    classes,
  };
  if (newest) warnOfOtherBytes(newest.manifest.numericEnvironment, fixed.numericEnvironment, warn);
  const transfer = newest
    ? await restore(program, definition, newest)
    : await initialize(job, controls, { plan, definition, program, warn });
  await keepRealImages(store, runPrefix, classes, async () => images);
  emit({ type: 'started', resumedFrom: resumption.from, warnings, ...(transfer && { transfer }) });
  return {
    config,
    options,
    definition,
    schedule,
    program,
    writer,
    fixed,
    data: new TrainingData(images, { seed: train.seed, mirror: train.mirror, labelDim: config.classes }),
    counters: newest ? structuredClone(newest.manifest.counters) : initialCounters(options),
    losses: {},
    statsLines: linesOf(newest?.parts[CHECKPOINT_PARTS.stats]),
    resumption,
    painter: new PreviewPainter(config, train.mode, classes),
  };
}

function readImages(
  { dataset }: TrainerJob,
  { store, startOperation }: TrainerControls,
): Promise<TrainingImages> {
  return loadTrainingSet(store, dataset.prefix, path.join(environment.dataCacheFolder(), 'datasets'), {
    onProgress: () => startOperation('loading', LOADING_ALLOWANCE_MS),
  });
}

/** Sums of gradients are not in a checkpoint: between steps they are 0. */
async function restore(
  program: Program,
  definition: ProgramDefinition,
  { parts }: LoadedCheckpoint,
): Promise<null> {
  await program.restore({ ...emptySums(definition), ...decodeVariables(parts) });
  return null;
}

/**
 * What was copied from the weights that `train.resume` names, in one sentence; null without them.
 */
async function initialize(
  { runId, train }: TrainerJob,
  { store }: TrainerControls,
  {
    plan: { config },
    definition,
    program,
    warn,
  }: { plan: TrainingPlan; definition: ProgramDefinition; program: Program; warn: Warn },
): Promise<string | null> {
  if (train.resume === null) return null;
  return initializeFrom(train.resume, {
    store,
    runPrefix: trainPrefix(runId),
    config,
    definition,
    program,
    warn,
  });
}

function emptySums({ variables }: ProgramDefinition): Variables {
  const sums = Object.entries(variables).filter(([name]) => isSum(name));
  return Object.fromEntries(sums.map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]));
}

function initialCounters({ augmentation }: TrainingOptions): TrainingCounters {
  return {
    step: 0,
    images: 0,
    dataPosition: 0,
    augmentation: initialAugmentation(augmentation),
    tick: { index: 0, startImages: 0, startSeconds: 0, moments: {} },
    seconds: 0,
  };
}

function libraryName(): string {
  return `tensorflow ${String(nativeBackend().binding.TF_Version)}${usesGpu() ? ' cuda' : ''}`;
}

function warnOfOtherBytes(then: NumericEnvironment, now: NumericEnvironment, warn: Warn): void {
  const changed = differences(then, now);
  if (changed.length > 0)
    warn(
      `this machine or program differs from the checkpoint's in ${changed.join(', ')}: the training resumes, but the result is not bit-exact`,
    );
}

/** Without a figure for the card, that of the host would let a training run out of memory. */
function warnOfUnknownMemory(
  { batchGpu: wanted }: TrainerJob['train'],
  { batch, batchGpu }: TrainingOptions,
  warn: Warn,
): void {
  if (wanted === 'auto' && batchGpu < batch)
    warn(
      `the driver does not say how much memory the GPU has: micro-batches have ${batchGpu} images; if more fit, a new run with a larger train.batchGpu is faster`,
    );
}

function warnOfSmallerGroups({ batch, batchGpu }: TrainingOptions, warn: Warn): void {
  const [whole, micro] = [groupSize(batch), groupSize(batchGpu)];
  if (whole !== micro)
    warn(
      `micro-batches of ${batchGpu} images: the discriminator compares them in groups of ${micro}, not ${whole} as in the whole batch; a train.batchGpu that is a multiple of ${whole} would keep them`,
    );
}
