/**
 * Opens a training with train.py: its data, counters, checkpoints and the snapshot that it starts
 * from.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { environment } from '../../core/environment.js';
import { openDataset } from '../../imaging/dataset/dataset-reader.js';
import type { DatasetManifest } from '../../imaging/dataset/dataset-manifest.js';
import { trainingArchive } from '../../imaging/dataset/training-archive.js';
import {
  assertSameConfiguration,
  type CheckpointManifest,
  CHECKPOINT_PARTS,
  type TrainingCounters,
  trainPrefix,
} from '../../checkpoints/manifest.js';
import type { CheckpointWriter } from '../../checkpoints/writer.js';
import type { NetworkConfig } from '../../gan/config.js';
import { numericEnvironment } from '../numeric-environment.js';
import { keepRealImages } from '../preview.js';
import { conditionalClasses, specifiedNetwork } from '../specified-network.js';
import type { TrainerJob } from '../process/messages.js';
import { LOADING_ALLOWANCE_MS, type TrainerControls } from '../controls.js';
import { describeTransfer, recordTransfer } from '../../weights/transfer-report.js';
import { OFFICIAL_CLAMP } from '../../weights/official-clamp.js';
import { automaticSettings, type ChosenSpec, chooseSettings, startedSettings } from '../automatic.js';
import { reportAutomaticSettings } from '../report-settings.js';
import type { AutomaticSetting } from '../../spec/results.js';
import { officialSettings, officialWarnings } from './arguments.js';
import { findInitialSnapshot } from './initial-snapshot.js';
import { type Checkout, findCheckout, pythonVersion } from './checkout.js';
import { INITIAL_COUNTERS } from './progress.js';
import { firstImages } from './preview-images.js';
import { openCheckpoints } from '../resume.js';
import { linesOf } from '../statistics.js';
import type { TrainingResumption } from '../training.js';
import { collectWarnings } from '../warnings.js';

export interface OfficialTraining {
  checkout: Checkout;
  train: ChosenSpec;
  config: NetworkConfig;
  /** The data set as one zip. */
  archive: string;
  writer: CheckpointWriter;
  resumption: TrainingResumption;
  /** File of the snapshot that train.py starts from; null: from nothing. */
  start: string | null;
  /** Counters of the training when this attempt starts. */
  base: TrainingCounters;
  /** Lines of stats.jsonl so far. */
  statsLines: string[];
  fixed: Pick<CheckpointManifest, 'configuration' | 'numericEnvironment' | 'classes'>;
  warnings: string[];
  /** What was copied from another training, in one sentence. */
  transfer: string | null;
}

/**
 * @param scratch folder of this attempt
 * @throws SetupError without a checkout; CheckpointError when the newest checkpoint is of another
 *   training, or `train.resume` names nothing that train.py can read; StaleAttemptError
 */
export async function openOfficialTraining(
  job: TrainerJob,
  controls: TrainerControls,
  scratch: string,
): Promise<OfficialTraining> {
  const { train } = job;
  const { store } = controls;
  const checkout = findCheckout();
  const { warnings, warn } = collectWarnings();
  const dataset = await openDataset(store, job.dataset.prefix);
  const runPrefix = trainPrefix(job.runId);
  const { writer, newest, resumption } = await openCheckpoints(store, job, warn);
  const {
    train: chosen,
    config,
    fixed,
    automatic,
  } = plan(job, dataset.manifest, checkout, newest?.manifest ?? null);
  if (!newest) await reportAutomaticSettings(store, runPrefix, automatic);
  if (newest) assertSameConfiguration(fixed.configuration, newest.manifest, newest.ref.prefix);
  for (const limit of officialWarnings(train)) warn(limit);
  if (newest) warn(limitOfResume(newest.manifest.counters));
  const initial =
    newest || train.resume === null
      ? null
      : await findInitialSnapshot({ store, runPrefix, warn }, train.resume, config);
  if (initial) await recordTransfer(store, runPrefix, initial.report);
  const archive = await downloadArchive(job, controls);
  await keepRealImages(store, runPrefix, fixed.classes, () => firstImages(dataset, fixed.classes));
  return {
    checkout,
    train: chosen,
    config,
    writer,
    fixed,
    warnings,
    archive,
    resumption,
    start: await writeStart(scratch, newest?.parts[CHECKPOINT_PARTS.official] ?? initial?.snapshot),
    base: newest ? structuredClone(newest.manifest.counters) : INITIAL_COUNTERS,
    statsLines: linesOf(newest?.parts[CHECKPOINT_PARTS.stats]),
    transfer: initial && describeTransfer(initial.report),
  };
}

/** The networks, and what the manifest of every checkpoint repeats. */
function plan(
  job: TrainerJob,
  { resolution, channels, classes: names, classImages, images }: DatasetManifest,
  { python }: Checkout,
  newest: CheckpointManifest | null,
): Pick<OfficialTraining, 'train' | 'config' | 'fixed'> & { automatic: AutomaticSetting[] } {
  const facts = { images: images.train, usesGpu: true, started: startedSettings(newest, []) };
  const train = chooseSettings(job.train, facts);
  const named = conditionalClasses(train.cond, names);
  const classes = named?.map(({ name }, i) => ({ name, images: classImages?.train[i] ?? 0 })) ?? null;
  const data = { resolution, channels, classes: classes?.length ?? 0 };
  const config = specifiedNetwork(train, data, train.stylegan3.fp32 ? null : OFFICIAL_CLAMP);
  // Settings that only distribute the work may differ from machine to machine.
  const { gpus: _gpus, 'batch-gpu': batchGpu, ...settings } = officialSettings(train, data);
  const library = `train.py on Python ${pythonVersion(python) ?? 'unknown'}`;
  const values = { batchGpu, gamma: settings.gamma, mapDepth: config.mappingLayers };
  const automatic = automaticSettings({
    train: job.train,
    chosen: train,
    facts,
    config,
    values,
    memory: null,
  });
  return {
    train,
    config,
    automatic,
    fixed: {
      configuration: {
        engine: 'stylegan3',
        network: { ...config },
        training: { ...settings },
        dataset: job.dataset.digest,
      },
      numericEnvironment: numericEnvironment(train, library),
      classes,
    },
  };
}

/** The data set as one zip on this disk. */
function downloadArchive(
  { dataset }: TrainerJob,
  { store, startOperation }: TrainerControls,
): Promise<string> {
  const loading = () => startOperation('loading', LOADING_ALLOWANCE_MS);
  loading();
  return trainingArchive(
    store,
    dataset.prefix,
    path.join(environment.dataCacheFolder(), 'datasets'),
    loading,
  );
}

async function writeStart(scratch: string, snapshot: Uint8Array | undefined): Promise<string | null> {
  if (!snapshot) return null;
  const file = path.join(scratch, 'start.pkl');
  await writeFile(file, snapshot);
  return file;
}

/** What `--resume` of train.py does not restore. */
function limitOfResume({ images, augmentation }: TrainingCounters): string {
  const strength =
    augmentation.p > 0 ? `, and with the augmentation at 0 instead of ${augmentation.p.toFixed(3)}` : '';
  return `train.py resumes from its snapshot at ${images / 1000} kimg without the state of its optimizers${strength}: the result is not bit-exact`;
}
