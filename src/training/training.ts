/** A training that is ready to go on: data, program, counters and checkpoints, opened together. */
import path from 'node:path';
import { environment } from '../core/environment.js';
import { DatasetError } from '../core/errors.js';
import { log } from '../core/log.js';
import { loadTrainingSet } from '../imaging/dataset-reader.js';
import { createProgram, type Program, type ProgramDefinition } from '../nn/program/program.js';
import { sizeOf } from '../nn/program/definition.js';
import { nativeBackend, usesGpu } from '../nn/tensorflow.js';
import type { CheckpointRef } from '../spec/results.js';
import { groupSize } from '../spec/micro-batches.js';
import type { ObjectStore } from '../storage/object-store.js';
import { initialAugmentation } from '../gan/augment/controller.js';
import { resolveAugmentation } from '../gan/augment/options.js';
import {
  assertSameConfiguration,
  type CheckpointManifest,
  type NumericEnvironment,
  PARTS,
  type TrainingConfiguration,
  type TrainingCounters,
  trainPrefix,
} from '../checkpoints/manifest.js';
import { CheckpointWriter } from '../checkpoints/writer.js';
import type { CapturedState } from '../checkpoints/upload-messages.js';
import type { ClassShare } from '../generation/classes.js';
import type { NetworkConfig } from '../gan/config.js';
import { assertFinite } from './finite.js';
import { resolveTrainingOptions, type TrainingOptions } from '../gan/loss/options.js';
import { isSum } from '../gan/loss/accumulation.js';
import type { Schedule } from '../gan/loss/step-plan.js';
import { buildTrainingProgram } from '../gan/loss/training-program.js';
import { planMemory } from './memory-estimate.js';
import { differences, numericEnvironment } from './numeric-environment.js';
import { resolvePrecision } from './precision.js';
import { PreviewPainter, paintReals, REALS } from './preview.js';
import { BUILD_ALLOWANCE_MS, LOADING_ALLOWANCE_MS, type TrainerControls } from './controls.js';
import type { TrainerJob } from './process/messages.js';
import { conditionalClasses, specifiedNetwork } from './specified-network.js';
import { TrainingData, type TrainingImages } from './data.js';
import { beginFrom } from '../weights/initialize.js';
import { decodeVariables, encodeVariables, shapesOf, type Variables } from '../checkpoints/variables.js';

/** The one object that a training is. */
export class Training {
  readonly losses: Record<string, number> = {};

  constructor(
    readonly config: NetworkConfig,
    readonly options: TrainingOptions,
    readonly data: TrainingData,
    readonly definition: ProgramDefinition,
    readonly schedule: Schedule,
    readonly program: Program,
    readonly counters: TrainingCounters,
    /** Lines of stats.jsonl up to now. */
    readonly statsLines: string[],
    readonly writer: CheckpointWriter,
    readonly resumedFrom: CheckpointRef | null,
    private readonly painter: PreviewPainter,
    private readonly fixed: Pick<CheckpointManifest, 'configuration' | 'numericEnvironment' | 'classes'>,
  ) {}

  /**
   * The state as it is now, on the host, with a preview if it is a snapshot.
   *
   * @throws TrainingError when a variable is not finite: such a state is never kept.
   */
  async capture(snapshot: boolean): Promise<CapturedState> {
    const variables = withoutSums(await this.program.read());
    assertFinite(variables, this.counters.step);
    const parts = encodeVariables(variables, shapesOf(this.definition));
    parts[PARTS.stats] = Buffer.from(this.statsLines.map((line) => `${line}\n`).join(''));
    if (snapshot) parts[PARTS.preview] = await this.painter.paint(variables);
    const { step, images } = this.counters;
    return {
      draft: { kimg: images / 1000, step, snapshot, counters: structuredClone(this.counters), ...this.fixed },
      parts,
    };
  }

  close(): void {
    this.painter.dispose();
    this.program.dispose();
    this.data.images.close?.();
  }
}

/** Claims the training, reads data and newest checkpoint, compiles, restores, and tells of it. */
export async function openTraining(job: TrainerJob, controls: TrainerControls): Promise<Training> {
  const { store, emit, doing } = controls;
  const { train } = job;
  const { warnings, warn } = collectedWarnings();
  const images = await readImages(job, controls);
  const runPrefix = trainPrefix(job.runId);
  const { writer, newest } = await CheckpointWriter.open(store, runPrefix, {
    attempt: job.attempt,
    keepCheckpoints: train.keepCheckpoints,
    warn,
  });
  const { config, options, classes } = plan(job, images, newest?.manifest ?? null);
  emit({ type: 'memory', ...planMemory(config, options), goesOn: newest !== null });
  const configuration = configurationOf(job, config, options);
  if (newest) assertSameConfiguration(configuration, newest.manifest, newest.ref.prefix);
  if (groupSize(options.batchGpu) !== groupSize(options.batch)) warn(smallerGroups(options));
  const { definition, schedule } = buildTrainingProgram(config, options);
  doing('compiling', BUILD_ALLOWANCE_MS);
  const program = await createProgram(definition, { mode: train.mode });
  const fixed = {
    configuration,
    numericEnvironment: numericEnvironment(train, libraryName(), program.graph),
    classes,
  };
  let transfer: string | null = null;
  if (newest) {
    warnOfOtherBytes(newest.manifest.numericEnvironment, fixed.numericEnvironment, warn);
    await program.restore({ ...emptySums(definition), ...decodeVariables(newest.parts) });
  } else if (train.resume !== null) {
    transfer = await beginFrom(train.resume, { store, runPrefix, config, definition, program, warn });
  }
  await keepReals(store, runPrefix, { images, classes });
  emit({ type: 'started', resumedFrom: newest?.ref ?? null, warnings, ...(transfer && { transfer }) });
  return new Training(
    config,
    options,
    new TrainingData(images, { seed: train.seed, mirror: train.mirror, labelDim: config.classes }),
    definition,
    schedule,
    program,
    newest ? structuredClone(newest.manifest.counters) : beginning(options),
    newest ? linesOf(newest.parts[PARTS.stats]) : [],
    writer,
    newest?.ref ?? null,
    new PreviewPainter(config, train.mode, classes),
    fixed,
  );
}

/** Logged as they come, and kept for who follows the training. */
function collectedWarnings(): { warnings: string[]; warn(message: string): void } {
  const warnings: string[] = [];
  const warn = (message: string) => {
    log.warn(message);
    warnings.push(message);
  };
  return { warnings, warn };
}

function readImages({ dataset }: TrainerJob, { store, doing }: TrainerControls): Promise<TrainingImages> {
  return loadTrainingSet(store, dataset.prefix, path.join(environment.cacheFolder(), 'datasets'), {
    onProgress: () => doing('loading', LOADING_ALLOWANCE_MS),
  });
}

/** A picture of real images to compare previews with, made once. */
async function keepReals(
  store: ObjectStore,
  runPrefix: string,
  { images, classes }: { images: TrainingImages; classes: ClassShare[] | null },
): Promise<void> {
  const key = `${runPrefix}${REALS}`;
  if (!(await store.head(key))) await store.put(key, await paintReals(images, classes));
}

/** What the networks and the optimisation are to be, from the spec, the data set, and how the training began. */
function plan(
  job: TrainerJob,
  images: TrainingImages,
  newest: CheckpointManifest | null,
): { config: NetworkConfig; options: TrainingOptions; classes: ClassShare[] | null } {
  const { train } = job;
  if (images.count === 0) {
    throw new DatasetError({
      what: 'the data set has no training images',
      where: job.dataset.prefix,
      hint: 'Give more images or a smaller holdout.',
    });
  }
  const classes = conditionalClasses(train.cond, images.classes);
  for (let i = 0; classes && i < images.count; i++) {
    const share = classes[images.label(i) ?? -1];
    if (share) share.images++;
  }
  const { resolution, channels } = images;
  const sizes = { resolution, channels, classes: classes?.length ?? 0 };
  const half = resolvePrecision(train, usesGpu(), newest);
  const config = { ...specifiedNetwork(train, sizes), half };
  const wanted = resolveTrainingOptions(config, train, resolveAugmentation(config.channels, train));
  const options = { ...wanted, emaRampup: newest ? rampupOf(newest) : wanted.emaRampup };
  return { config, options, classes };
}

function configurationOf(
  job: TrainerJob,
  config: NetworkConfig,
  options: TrainingOptions,
): TrainingConfiguration {
  const { mirror, aug } = job.train;
  const { batchGpu, ...rest } = options;
  // Rounds round differently; a batch that is not shared out is what it always was.
  const rounds: Record<string, number> = batchGpu < options.batch ? { batchGpu } : {};
  return {
    engine: 'tfjs',
    network: { ...config },
    training: { ...rest, blur: rest.blur && { ...rest.blur }, ...rounds, mirror, aug },
    dataset: job.dataset.digest,
  };
}

/** A training goes on as it began: transfers ramped their average up once, and no setting says whether they do. */
function rampupOf({ configuration }: CheckpointManifest): number | null {
  const { emaRampup } = configuration.training;
  return typeof emaRampup === 'number' ? emaRampup : null;
}

function warnOfOtherBytes(
  then: NumericEnvironment,
  now: NumericEnvironment,
  warn: (message: string) => void,
): void {
  const changed = differences(then, now);
  if (changed.length > 0)
    warn(
      `this machine or program differs from the checkpoint's in ${changed.join(', ')}: training goes on, but not to the same bytes`,
    );
}

function smallerGroups({ batch, batchGpu }: TrainingOptions): string {
  const [whole, round] = [groupSize(batch), groupSize(batchGpu)];
  return `rounds of ${batchGpu} images: the discriminator compares them in groups of ${round}, not ${whole} as in the whole batch; a train.batchGpu that is a multiple of ${whole} would keep them`;
}

function libraryName(): string {
  return `tensorflow ${String(nativeBackend().binding.TF_Version)}${usesGpu() ? ' cuda' : ''}`;
}

function beginning({ augmentation }: TrainingOptions): TrainingCounters {
  return {
    step: 0,
    images: 0,
    dataPosition: 0,
    augmentation: initialAugmentation(augmentation),
    tick: { index: 0, startImages: 0, startSeconds: 0, moments: {} },
    seconds: 0,
  };
}

/** What is a training's state; sums of gradients are nothing between steps. */
function withoutSums(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !isSum(name)));
}

function emptySums({ variables }: ProgramDefinition): Variables {
  const sums = Object.entries(variables).filter(([name]) => isSum(name));
  return Object.fromEntries(sums.map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]));
}

function linesOf(stats: Uint8Array | undefined): string[] {
  return Buffer.from(stats ?? [])
    .toString('utf8')
    .split('\n')
    .filter(Boolean);
}
