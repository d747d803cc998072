/** Trains one classifier, resuming from its checkpoint, and tests it. */
import { createHash } from 'node:crypto';
import { CheckpointError, SetupError, TrainingError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';
import {
  ADAM,
  type Classifier,
  CLASSIFIERS,
  initialValues,
  smallClassifier,
  trainingDefinition,
} from '../../nn/classifiers/index.js';
import { createProgram, type Program, type Values } from '../../nn/program/program.js';
import type { SetName } from '../../spec/compute-tasks.js';
import type { ClassifierInput, ClassifierJob, ClassifierTraining } from '../../spec/gan-train-test.js';
import { type ObjectStore, putJson } from '../../storage/index.js';
import { classifierState } from '../../weights/classifiers/index.js';
import { classifierRecord } from '../../weights/classifiers/record.js';
import { Batches } from './batches.js';
import {
  findCheckpoint,
  type ClassifierCheckpoint,
  removeCheckpoints,
  writeCheckpoint,
} from './checkpoint.js';
import { concatenated } from '../metrics/feature-matrix.js';
import { type Classification, scoreClassification } from './classification.js';
import { type ClassifiedSets, type LabeledImage, storedSets } from './labeled-images.js';
import { type ClassifierOutcome, findOutcome, resultKey } from './outcome.js';

/** Share of the steps in which the learning rate rises. */
const WARMUP = 0.05;
/** Share of a weight that decays in a step, times the learning rate. */
const WEIGHT_DECAY = 0.05;
/** Share of the steps whose mean loss is kept. */
const LAST_STEPS = 0.1;
const REPORT_MS = 1_000;

/**
 * Writes `<prefix>result.json`, unless it exists. An interrupted training resumes from its newest
 * checkpoint, and ends with the same result.
 */
export function trainClassifier(
  store: ObjectStore,
  input: ClassifierInput,
  onProgress: OnProgress,
): Promise<void> {
  return trainOn(store, storedSets(store, input), input, onProgress);
}

/** The same on any sets; the store keeps checkpoints and the result. */
export async function trainOn(
  store: ObjectStore,
  sets: ClassifiedSets,
  { job, checkpointSeconds }: ClassifierTraining,
  onProgress: OnProgress,
): Promise<void> {
  if (await findOutcome(store, job)) return;
  const shape = await sets.shape();
  const images = await trainingImages(sets, job);
  const program = await programFor(job, shape);
  const batches = new Batches(images, {
    ...shape,
    classes: job.classes.length,
    batch: job.batch,
    seed: job.seed,
  });
  const loss = await train({ store, job, checkpointSeconds, program, batches, onProgress });
  const outcome = {
    images: images.length,
    loss,
    ...(await test(sets, { job, program, batches, onProgress })),
  };
  await putJson(store, resultKey(job), outcome satisfies ClassifierOutcome);
  await removeCheckpoints(store, job.prefix);
}

async function trainingImages(sets: ClassifiedSets, job: ClassifierJob): Promise<LabeledImage[]> {
  const { classes } = job;
  const used: [SetName, number][] = [];
  if (job.trainedOn !== 'synthetic') used.push(['train', job.maxImages]);
  if (job.trainedOn !== 'real') used.push(['synthetic', job.maxTrainedSynthetic]);
  const images: LabeledImage[] = [];
  for (const [set, maxImages] of used)
    for await (const image of sets.images({ set, classes, maxImages })) images.push(image);
  return images;
}

let compiled: { key: string; program: Promise<Program> } | null = null;

/** Consecutive classifiers of one network and one number of classes share a compiled graph. */
async function programFor(
  job: ClassifierJob,
  { resolution, channels }: { resolution: number; channels: 1 | 3 },
): Promise<Program> {
  const key = [job.network, job.classes.length, job.batch, resolution, channels].join();
  if (compiled?.key !== key) {
    void compiled?.program.then(
      (before) => before.dispose(),
      () => undefined,
    );
    const shape = { batch: job.batch, resolution, channels };
    const definition = trainingDefinition(networkOf(job, resolution), job.classes.length, shape);
    const own = { key, program: createProgram(definition, { mode: 'graph' }) };
    compiled = own;
    own.program.catch(() => {
      if (compiled === own) compiled = null;
    });
  }
  const program = await compiled.program;
  await program.restore(await startOf(job, resolution));
  return program;
}

function networkOf({ network }: ClassifierJob, resolution: number): Classifier {
  return network === 'small' ? smallClassifier(resolution) : CLASSIFIERS[network];
}

/** @throws SetupError when this machine does not have the weights of the plan */
async function startOf(job: ClassifierJob, resolution: number): Promise<Values> {
  const { network, weights, seed, classes } = job;
  const classifier = networkOf(job, resolution);
  if (weights === null || network === 'small')
    return initialValues(classifier, classes.length, { seed, state: null });
  if ((await classifierRecord(network)).sha256 !== weights)
    throw new SetupError({
      what: `the weights of ${network} on this machine are not those that the evaluation began with`,
      hint: 'Import the same weights on every machine that serves the GPU queue.',
    });
  const { state } = await classifierState(network);
  return initialValues(classifier, classes.length, { seed, state });
}

interface Training {
  store: ObjectStore;
  job: ClassifierJob;
  checkpointSeconds: number;
  program: Program;
  batches: Batches;
  onProgress: OnProgress;
}

/** @returns the mean loss of the last steps */
async function train(training: Training): Promise<number> {
  const { store, job, checkpointSeconds, program, batches, onProgress } = training;
  const start = await resume(store, job, program);
  const losses = start?.losses ?? [];
  let [savedMs, reportedMs] = [performance.now(), 0];
  for (let step = start?.step ?? 0; step < job.steps; step++) {
    const { loss } = await program.run('step', { ...batches.at(step), ...rates(job, step) });
    losses.push(checkedLoss(loss?.[0], job, step));
    if (losses.length > lastSteps(job)) losses.shift();
    if (performance.now() - reportedMs >= REPORT_MS || step + 1 === job.steps) {
      onProgress({ done: step + 1, total: job.steps, unit: 'steps' });
      reportedMs = performance.now();
    }
    if (performance.now() - savedMs < checkpointSeconds * 1000 || step + 1 === job.steps) continue;
    await writeCheckpoint(store, job.prefix, { step: step + 1, losses, values: await program.read() });
    savedMs = performance.now();
  }
  return losses.reduce((a, b) => a + b, 0) / losses.length;
}

/** The state of an earlier version of GIST may not fit: the training starts from scratch. */
async function resume(
  store: ObjectStore,
  { prefix }: ClassifierJob,
  program: Program,
): Promise<ClassifierCheckpoint | null> {
  const found = await findCheckpoint(store, prefix);
  if (!found) return null;
  try {
    await program.restore(found.values);
    return found;
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}

function lastSteps({ steps }: ClassifierJob): number {
  return Math.max(1, Math.round(LAST_STEPS * steps));
}

function checkedLoss(
  loss: number | undefined,
  { network, learningRate }: ClassifierJob,
  step: number,
): number {
  if (Number.isFinite(loss)) return loss as number;
  throw new TrainingError({
    what: `the loss of the classifier ${network} is not finite at step ${step}`,
    where: 'evaluate.ganTrainTest.learningRate',
    hint: `Give a learning rate below ${learningRate}.`,
  });
}

/** The rate rises linearly, then falls to 0 along half a cosine (Loshchilov and Hutter 2017). */
function rates({ steps, learningRate }: ClassifierJob, step: number) {
  const warmup = Math.max(1, Math.round(WARMUP * steps));
  const rest = (step - warmup) / Math.max(1, steps - warmup);
  const rate = learningRate * (step < warmup ? (step + 1) / warmup : 0.5 * (1 + Math.cos(Math.PI * rest)));
  // Kingma and Ba 2015, end of section 2.
  const correction = Math.sqrt(1 - ADAM.beta2 ** (step + 1)) / (1 - ADAM.beta1 ** (step + 1));
  return {
    rate: Float32Array.of(rate * correction),
    decay: Float32Array.of(rate * WEIGHT_DECAY),
  };
}

/** Tests on holdout images; a classifier of real images on synthetic ones too. */
async function test(
  sets: ClassifiedSets,
  { job, program, batches, onProgress }: Omit<Training, 'store' | 'checkpointSeconds'>,
): Promise<Pick<ClassifierOutcome, 'tests' | 'predictions'>> {
  const { classes } = job;
  const hash = createHash('sha256');
  const on = async (set: SetName): Promise<Classification> => {
    const labels: number[] = [];
    const parts: Float32Array[] = [];
    for await (const chunk of chunks(sets.images({ set, classes, maxImages: job.maxImages }), job.batch)) {
      const { probabilities } = await program.run('predict', { images: batches.padded(chunk) });
      const size = chunk.length * classes.length;
      const own = (probabilities as Float32Array).subarray(0, size);
      hash.update(own);
      parts.push(own);
      labels.push(...chunk.map(({ label }) => label));
      onProgress({ done: labels.length, unit: `${set} images` });
    }
    return scoreClassification(labels, concatenated(parts), classes.length);
  };
  const holdout = await on('holdout');
  const synthetic = job.trainedOn === 'real' ? { synthetic: await on('synthetic') } : {};
  return { tests: { holdout, ...synthetic }, predictions: hash.digest('hex') };
}

async function* chunks<Item>(items: AsyncIterable<Item>, size: number): AsyncGenerator<Item[]> {
  let chunk: Item[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
