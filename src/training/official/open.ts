/** A training with train.py that is ready to go on: data, counters, checkpoints and the snapshot that it starts from. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { environment } from '../../core/environment.js';
import { log } from '../../core/log.js';
import { type Dataset, openDataset } from '../../imaging/dataset-reader.js';
import type { DatasetManifest } from '../../imaging/dataset-manifest.js';
import { trainingArchive } from '../../imaging/training-archive.js';
import {
  assertSameConfiguration,
  type CheckpointManifest,
  type LoadedCheckpoint,
  PARTS,
  type TrainingCounters,
  trainPrefix,
} from '../../checkpoints/manifest.js';
import { CheckpointWriter } from '../../checkpoints/writer.js';
import type { ClassShare } from '../../generation/classes.js';
import type { NetworkConfig } from '../../gan/config.js';
import { numericEnvironment } from '../numeric-environment.js';
import { paintReals, REALS } from '../preview.js';
import { conditionalClasses, specifiedNetwork } from '../specified-network.js';
import type { TrainerJob } from '../process/messages.js';
import { LOADING_ALLOWANCE_MS, type TrainerControls } from '../controls.js';
import { describeTransfer, recordTransfer } from '../../weights/transfer-report.js';
import { OFFICIAL_CLAMP } from '../../weights/official-clamp.js';
import { officialSettings, officialWarnings } from './arguments.js';
import { findBeginning } from './initial-snapshot.js';
import { type Checkout, findCheckout, pythonVersion } from './checkout.js';
import { NOTHING_YET } from './progress.js';
import { firstImages } from './preview-images.js';

export interface OfficialTraining {
  checkout: Checkout;
  config: NetworkConfig;
  /** The data set as one zip. */
  archive: string;
  writer: CheckpointWriter;
  resumedFrom: LoadedCheckpoint['ref'] | null;
  /** File of the snapshot that train.py starts from; null: from nothing. */
  start: string | null;
  /** Where the training is when this attempt begins. */
  base: TrainingCounters;
  /** Lines of stats.jsonl up to now. */
  statsLines: string[];
  fixed: Pick<CheckpointManifest, 'configuration' | 'numericEnvironment' | 'classes'>;
  warnings: string[];
  /** What was taken over from another training, in one sentence. */
  transfer: string | null;
}

/**
 * @param scratch folder of this attempt
 * @throws SetupError without a checkout; CheckpointError when the newest checkpoint is of another training, or `train.resume`
 *   is nothing that train.py reads; StaleAttemptError
 */
export async function openOfficialTraining(
  job: TrainerJob,
  controls: TrainerControls,
  scratch: string,
): Promise<OfficialTraining> {
  const { train, attempt } = job;
  const { store } = controls;
  const checkout = findCheckout();
  const warnings: string[] = [];
  const warn = (message: string) => {
    log.warn(message);
    warnings.push(message);
  };
  const dataset = await openDataset(store, job.dataset.prefix);
  const { config, fixed } = plan(job, dataset.manifest, checkout);
  const runPrefix = trainPrefix(job.runId);
  const { keepCheckpoints } = train;
  const { writer, newest } = await CheckpointWriter.open(store, runPrefix, {
    attempt,
    keepCheckpoints,
    warn,
  });
  if (newest) assertSameConfiguration(fixed.configuration, newest.manifest, newest.ref.prefix);
  for (const limit of officialWarnings(train)) warn(limit);
  if (newest) warn(limitOfResume(newest.manifest.counters));
  const beginning =
    newest || train.resume === null
      ? null
      : await findBeginning({ store, runPrefix, warn }, train.resume, config);
  if (beginning) await recordTransfer(store, runPrefix, beginning.report);
  return {
    checkout,
    config,
    writer,
    fixed,
    warnings,
    archive: await bringData(dataset, job, runPrefix, fixed.classes, controls),
    resumedFrom: newest?.ref ?? null,
    start: await writeStart(scratch, newest?.parts[PARTS.official] ?? beginning?.snapshot),
    base: newest ? structuredClone(newest.manifest.counters) : NOTHING_YET,
    statsLines: linesOf(newest?.parts[PARTS.stats]),
    transfer: beginning && describeTransfer(beginning.report),
  };
}

/** What the networks are to be, and what a checkpoint says of the training. */
function plan(
  { train, dataset }: TrainerJob,
  { resolution, channels, classes: names, classImages }: DatasetManifest,
  { python }: Checkout,
): Pick<OfficialTraining, 'config' | 'fixed'> {
  const named = conditionalClasses(train.cond, names);
  const classes = named?.map(({ name }, i) => ({ name, images: classImages?.train[i] ?? 0 })) ?? null;
  const data = { resolution, channels, classes: classes?.length ?? 0 };
  const config = specifiedNetwork(train, data, train.stylegan3.fp32 ? null : OFFICIAL_CLAMP);
  // What decides only how the work is shared out may change from one machine to the next.
  const { gpus: _gpus, 'batch-gpu': _perGpu, ...settings } = officialSettings(train, data);
  const library = `train.py on Python ${pythonVersion(python) ?? 'unknown'}`;
  return {
    config,
    fixed: {
      configuration: {
        engine: 'stylegan3',
        network: { ...config },
        training: { ...settings },
        dataset: dataset.digest,
      },
      numericEnvironment: numericEnvironment(train, library),
      classes,
    },
  };
}

/** The data set as one zip on this disk, and its picture in the store. */
async function bringData(
  dataset: Dataset,
  job: TrainerJob,
  runPrefix: string,
  classes: ClassShare[] | null,
  { store, doing }: TrainerControls,
): Promise<string> {
  const loading = () => doing('loading', LOADING_ALLOWANCE_MS);
  loading();
  const cache = path.join(environment.cacheFolder(), 'datasets');
  const archive = await trainingArchive(store, job.dataset.prefix, cache, loading);
  if (!(await store.head(`${runPrefix}${REALS}`)))
    await store.put(`${runPrefix}${REALS}`, await paintReals(await firstImages(dataset, classes), classes));
  return archive;
}

async function writeStart(scratch: string, snapshot: Uint8Array | undefined): Promise<string | null> {
  if (!snapshot) return null;
  const file = path.join(scratch, 'start.pkl');
  await writeFile(file, snapshot);
  return file;
}

/** What `--resume` of train.py does not bring back. */
function limitOfResume({ images, augmentation }: TrainingCounters): string {
  const strength =
    augmentation.p > 0 ? `, and with the augmentation at 0 instead of ${augmentation.p.toFixed(3)}` : '';
  return `train.py goes on from its snapshot at ${images / 1000} kimg without the state of its optimisers${strength}: not exactly as an undisturbed training would`;
}

function linesOf(stats: Uint8Array | undefined): string[] {
  return Buffer.from(stats ?? [])
    .toString('utf8')
    .split('\n')
    .filter(Boolean);
}
