/**
 * Short real trainings on phantoms: gradients in half precision beside float32, and a training that
 * is killed beside one that is not. Prints one line of JSON.
 */
import { CHECKPOINT_PARTS } from '../../src/checkpoints/manifest.js';
import { newestVerified } from '../../src/checkpoints/reader.js';
import { decodeSafetensors } from '../../src/nn/formats/safetensors.js';
import { type TrainSpec, trainSchema } from '../../src/spec/train.js';
import { type Phantoms, runAttempt, withPhantoms } from './short-training.js';

export interface TrainingsJob {
  resolution: number;
  images: number;
  /** Steps of the training that is killed. */
  steps: number;
  /** Precision that is compared with float32. */
  half: 'float16' | 'bfloat16';
  /** The `train` section of a spec, without its length. */
  spec: Record<string, unknown> & { batch: number };
}

export interface TrainingsResult {
  /** Cosine between the gradients of a whole network in half precision and in float32. */
  halfGradients: Record<'G' | 'D', number>;
  resumed: {
    /** Steps at which an attempt was killed, and those that the next ones resumed from. */
    killedAt: number[];
    resumedFrom: number[];
    /** Tensors of the last checkpoint, and those that differ from the undisturbed training's. */
    tensors: number;
    differing: number;
    /** Largest difference, relative to the largest value of its tensor. */
    largestDifference: number;
  };
  /** The same, of the few steps after a checkpoint, taken twice. */
  repeated: { resumedFrom: number[]; largestDifference: number };
}

type Tensors = Record<string, ArrayLike<number>>;

function runTrainings(job: TrainingsJob): Promise<TrainingsResult> {
  return withPhantoms(job, async (phantoms) => {
    const place = { ...phantoms, job };
    return {
      halfGradients: await compareGradients(place),
      resumed: await compareResumed(place),
      repeated: await compareRepeated(place),
    };
  });
}

interface Place extends Phantoms {
  job: TrainingsJob;
}

/** It is the gradient of the last phase, since the optimizers' beta1 is 0. */
const FIRST_MOMENT = /: adam\.(G|D)\.m\./;
/** With such rates the weights stay what they are, and the moments show the gradients. */
const STILL = { glr: 1e-12, dlr: 1e-12 };

async function compareGradients(place: Place): Promise<TrainingsResult['halfGradients']> {
  const moments = async (precision: TrainSpec['precision']) => {
    const parts = await train(place, precision, { steps: 1, spec: { ...STILL, precision } });
    return tensorsOf(parts, [CHECKPOINT_PARTS.optimizer]);
  };
  const [full, half] = [await moments('float32'), await moments(place.job.half)];
  const gradientOf = (moments: Tensors, network: 'G' | 'D') => {
    const names = Object.keys(moments).filter((name) => FIRST_MOMENT.exec(name)?.[1] === network);
    return names.sort().flatMap((name) => Array.from(moments[name] ?? []));
  };
  const compare = (network: 'G' | 'D') => cosine(gradientOf(full, network), gradientOf(half, network));
  return { G: compare('G'), D: compare('D') };
}

async function compareResumed(place: Place): Promise<TrainingsResult['resumed']> {
  const { steps } = place.job;
  const [killedAt, resumedFrom]: [number[], number[]] = [[], []];
  const kills = [Math.ceil(steps / 3), Math.ceil((2 * steps) / 3)];
  const whole = tensorsOf(await train(place, 'whole', { steps }));
  const onKill = (step: number) => killedAt.push(step);
  const onResume = (step: number) => resumedFrom.push(step);
  const killed = tensorsOf(await train(place, 'killed', { steps, kills, onKill, onResume }));
  const apart = differences(whole, killed);
  return {
    killedAt,
    resumedFrom,
    tensors: apart.length,
    differing: apart.filter((value) => value > 0).length,
    largestDifference: Math.max(...apart),
  };
}

/**
 * On a GPU the order of additions differs between runs, and a training multiplies the difference:
 * only a few steps after a checkpoint tell whether its whole state came back.
 */
async function compareRepeated(place: Place): Promise<TrainingsResult['repeated']> {
  const { store } = place;
  const steps = 8;
  const resumedFrom: number[] = [];
  const first = await train(place, 'repeated', { steps, snapshots: 2 });
  const last = await newestVerified(store, 'repeated', () => undefined);
  if (!last) throw new Error('the repeated training left no checkpoint');
  const { prefix } = last.ref;
  for await (const { key } of store.list(prefix)) await store.delete(key);
  const onResume = (step: number) => resumedFrom.push(step);
  const again = await train(place, 'repeated', { steps, snapshots: 2, firstAttempt: 2, onResume });
  return { resumedFrom, largestDifference: Math.max(...differences(tensorsOf(first), tensorsOf(again))) };
}

function differences(expected: Tensors, found: Tensors): number[] {
  return Object.entries(expected).map(([name, values]) => difference(values, found[name] ?? []));
}

interface TrainOptions {
  steps: number;
  /** Checkpoints that it writes. */
  snapshots?: number;
  firstAttempt?: number;
  spec?: Partial<TrainSpec>;
  /** Each attempt but the last one is killed when it has reached its step. */
  kills?: readonly number[];
  onKill?: (step: number) => void;
  onResume?: (step: number) => void;
}

/** Some lie before each step at which a training is killed. */
const SNAPSHOTS = 6;

/** Trains, and reads what the training ends with. */
async function train(
  place: Place,
  runId: string,
  { steps, spec, snapshots = SNAPSHOTS, firstAttempt = 1, kills = [], onKill, onResume }: TrainOptions,
): Promise<Record<string, Uint8Array>> {
  const { store, job } = place;
  const kimg = (steps * job.spec.batch) / 1000;
  const length = { kimg, snapshotKimg: kimg / snapshots, snapshotMetrics: [], stopWhen: null };
  const settings = trainSchema.parse({ ...job.spec, ...length, ...spec });
  for (const [index, killAt] of [...kills, Number.POSITIVE_INFINITY].entries())
    await runAttempt(place, {
      runId,
      train: settings,
      attempt: firstAttempt + index,
      killAt,
      onKill,
      onEvent: (event) => {
        if (event.type === 'started' && event.resumedFrom) onResume?.(event.resumedFrom.step);
      },
    });
  const found = await newestVerified(store, runId, () => undefined);
  if (!found) throw new Error(`the training ${runId} left no checkpoint`);
  return found.parts;
}

function tensorsOf(parts: Record<string, Uint8Array>, names = Object.keys(parts)): Tensors {
  const files = names.filter((name) => name.endsWith('.safetensors'));
  const tensors = files.flatMap((file) =>
    Object.entries(decodeSafetensors(parts[file] ?? new Uint8Array(), file)).map(
      ([name, { data }]) => [`${file}: ${name}`, data as ArrayLike<number>] as const,
    ),
  );
  return Object.fromEntries(tensors);
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let apart = 0;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const value = a[i] as number;
    largest = Math.max(largest, Math.abs(value));
    apart = Math.max(apart, Math.abs(value - (b[i] ?? Number.POSITIVE_INFINITY)));
  }
  return apart === 0 ? 0 : apart / largest;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let product = 0;
  for (let i = 0; i < a.length; i++) product += (a[i] as number) * (b[i] ?? 0);
  return product / (norm(a) * norm(b));
}

function norm(values: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] as number) ** 2;
  return Math.sqrt(squares);
}

console.log = console.error;
const job = JSON.parse(process.argv[2] as string) as TrainingsJob;
process.stdout.write(`${JSON.stringify(await runTrainings(job))}\n`);
process.exit(0);
