/**
 * Renders the report of a run: reads its data from the store, writes PNG figures and an HTML page.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { makeScratchFolder } from '../core/scratch.js';
import sharp from 'sharp';
import { describeTransfer } from '../weights/transfer-report.js';
import {
  type CheckpointManifest,
  explainStrength,
  describeAutomaticSetting,
  findAutomaticSettings,
  findManifest,
  listSnapshots,
  listAttempts,
  readAttempts,
} from '../checkpoints/index.js';
import {
  shardListSchema,
  type SyntheticManifest,
  syntheticManifestSchema,
} from '../generation/synthetic-set.js';
import {
  datasetManifestSchema,
  encodePng,
  findingRows,
  openDataset,
  openShard,
  storedAsPng,
} from '../imaging/index.js';
import type { EvaluateInput } from '../spec/compute-tasks.js';
import type { CheckpointRef, CurvePoint, DatasetRef, GenerateResult } from '../spec/results.js';
import { downloadVerified, getJson } from '../storage/index.js';
import type { ObjectStore } from '../storage/object-store.js';
import { exposureSvg } from './figures/exposure.js';
import { curveSvg } from './figures/curve.js';
import { grid } from './figures/grid.js';
import { type DrawnFigures, renderHtml } from './html.js';
import type { ClassRow, ReportInput } from './report-input.js';

const IMAGES_PER_CLASS = 6;
const MAX_CLASSES = 12;
const MAX_PREVIEWS = 8;
/** Maximum number of real images read to find images of each class. */
const MAX_IMAGES_SEARCHED = 5_000;

/** The part of a report that the evaluation gives. */
export type Evaluated = Pick<ReportInput, 'metrics' | 'caveats' | 'extractors' | 'intervals' | 'analyses'>;

/** Writes `<prefix>figures/*.png`, then `<prefix>report.html`. @returns the key of the page */
export async function renderRunReport(
  store: ObjectStore,
  run: EvaluateInput,
  evaluation: Evaluated,
  prefix: string,
): Promise<string> {
  const input = await collectInput(store, run, evaluation);
  const drawn = await drawFigures(input);
  for (const [name, png] of await figureFiles(drawn)) {
    await store.put(`${prefix}figures/${name}.png`, png, { contentType: 'image/png' });
  }
  const key = `${prefix}report.html`;
  await store.put(key, Buffer.from(renderHtml(input, drawn)), { contentType: 'text/html; charset=utf-8' });
  return key;
}

async function collectInput(
  store: ObjectStore,
  run: EvaluateInput,
  evaluation: Evaluated,
): Promise<ReportInput> {
  const { dataset, synthetic, train, spec } = run;
  const curve: CurvePoint[] = train && 'curve' in train ? train.curve : [];
  const manifest = await getJson(store, `${dataset.prefix}manifest.json`, datasetManifestSchema);
  const checkpoint = train ? await findManifest(store, train.checkpoint.prefix) : null;
  return {
    runId: run.runId,
    spec,
    createdAt: new Date().toISOString(),
    ...evaluation,
    rows: await classRows(store, run),
    progression: train ? await previews(store, train.checkpoint) : [],
    curve,
    bestKimg: curve.length > 0 ? (train?.checkpoint.kimg ?? null) : null,
    dataset: {
      digest: dataset.digest,
      resolution: dataset.resolution,
      ...dataset.images,
      rejected: manifest.rejected.map(({ reason }) => reason),
      findings: findingRows(manifest),
      exposure: manifest.exposure && exposureSvg({ classes: manifest.classes, ...manifest.exposure }),
    },
    synthetic: { digest: synthetic.digest, images: synthetic.images },
    lineage: [
      ...lineage(run, checkpoint),
      ...(await attempts(store, run)),
      ...(await automaticSettings(store, run)),
    ],
  };
}

function lineage(
  { dataset, synthetic, train, reused, spec }: EvaluateInput,
  checkpoint: CheckpointManifest | null,
): [string, string][] {
  const facts: [string, string][] = [
    [
      'Data set',
      `${dataset.prefix} (${dataset.images.train} train, ${dataset.images.holdout} holdout, ${dataset.rejected} rejected)`,
    ],
    ['Synthetic set', synthetic.prefix],
    [
      'Seeds',
      `holdout ${spec.preprocess?.holdout.seed ?? '-'}, training ${spec.train.seed}, first synthetic image ${spec.generate.seed}`,
    ],
  ];
  if (train)
    facts.push([
      'Checkpoint',
      `${train.checkpoint.prefix} (${train.checkpoint.kimg} kimg, step ${train.checkpoint.step})`,
    ]);
  if (train && 'ended' in train) facts.push(['Training ended', train.ended]);
  if (train && 'transfer' in train && train.transfer)
    facts.push(['Training', describeTransfer(train.transfer)]);
  if (train && 'gaps' in train && train.gaps && train.gaps.length > 0)
    facts.push([
      'Snapshots without metrics',
      train.gaps.map(({ kimg, reason }) => `${kimg} kimg: ${reason}`).join('; '),
    ]);
  if (checkpoint) {
    const { library, threads, platform } = checkpoint.numericEnvironment;
    facts.push(['Computed by', `${library}, ${threads} threads, ${platform}`]);
    const strength = explainStrength(checkpoint.counters.augmentation.p);
    if (strength) facts.push(['Augmentation', strength]);
    facts.push(['Training time', `${(checkpoint.counters.seconds / 60).toFixed(1)} minutes`]);
  }
  facts.push(['Reused from earlier runs', reused.length > 0 ? reused.join(', ') : 'nothing']);
  return facts;
}

/** Where each attempt at the training started, and why not from a newer checkpoint. */
async function attempts(store: ObjectStore, { runId }: EvaluateInput): Promise<[string, string][]> {
  const all = await listAttempts(store, runId);
  const last = await readAttempts(store, runId, 0);
  const records = last.flatMap(({ record }) => record ?? []);
  // One attempt without a warning is what everybody expects.
  if (records.length < 2 && records.every(({ warnings }) => warnings.length === 0)) return [];
  const starts = records.map(({ resumedFrom, warnings }) => {
    const start = resumedFrom ? `from ${resumedFrom.kimg} kimg` : 'from scratch';
    return warnings.length > 0 ? `${start} (${warnings.join('; ')})` : start;
  });
  const count = all.length > last.length ? `${all.length}, of which the last` : records.length;
  return [['Attempts at the training', `${count}: ${starts.join(', ')}`]];
}

async function automaticSettings(store: ObjectStore, { runId }: EvaluateInput): Promise<[string, string][]> {
  const settings = await findAutomaticSettings(store, runId);
  if (settings.length === 0) return [];
  return [['Automatic settings', settings.map(describeAutomaticSetting).join('; ')]];
}

async function classRows(store: ObjectStore, run: EvaluateInput): Promise<ClassRow[]> {
  const names: (string | null)[] = run.dataset.classes?.slice(0, MAX_CLASSES) ?? [null];
  const [real, synthetic] = await Promise.all([
    realImages(store, run.dataset, names.length),
    syntheticImages(store, run.synthetic, names.length),
  ]);
  const unlabeled = synthetic.length < names.length;
  return names.map((name, label) => ({
    name,
    real: real[label] ?? [],
    synthetic: synthetic[unlabeled ? 0 : label] ?? [],
  }));
}

async function realImages(
  store: ObjectStore,
  { prefix, resolution, channels }: DatasetRef,
  classes: number,
): Promise<Uint8Array[][]> {
  const found: Uint8Array[][] = Array.from({ length: classes }, () => []);
  const dataset = await openDataset(store, prefix);
  let seen = 0;
  for await (const { label, pixels } of dataset.images('train')) {
    const row = found[label ?? 0];
    if (row && row.length < IMAGES_PER_CLASS)
      row.push(await encodePng(pixels, resolution, resolution, channels));
    if (++seen >= MAX_IMAGES_SEARCHED || found.every((images) => images.length >= IMAGES_PER_CLASS)) break;
  }
  return found;
}

async function syntheticImages(
  store: ObjectStore,
  { prefix }: GenerateResult,
  classes: number,
): Promise<Uint8Array[][]> {
  const manifest: SyntheticManifest = await getJson(store, `${prefix}manifest.json`, syntheticManifestSchema);
  const found: Uint8Array[][] = Array.from({ length: manifest.classes ? classes : 1 }, () => []);
  const shape = { width: manifest.resolution, height: manifest.resolution, channels: manifest.channels };
  const folder = await makeScratchFolder('report');
  try {
    for (const shard of manifest.shards) {
      const list = await getJson(store, `${prefix}${shard.list}`, shardListSchema);
      const file = path.join(folder, 'shard.zip');
      await downloadVerified(store, `${prefix}${shard.key}`, file, shard);
      const archive = await openShard(file);
      for (const { name, label } of list.images) {
        const row = found[label ?? 0];
        if (row && row.length < IMAGES_PER_CLASS)
          row.push(await storedAsPng(await archive.read(name), shape));
      }
      if (found.every((images) => images.length >= IMAGES_PER_CLASS)) break;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return found;
}

/** Previews of the checkpoint's training, evenly spaced, including the first and the last. */
async function previews(store: ObjectStore, { prefix }: CheckpointRef): Promise<ReportInput['progression']> {
  const runId = /^runs\/(.+)\/train\//.exec(prefix)?.[1];
  if (!runId) return [];
  const snapshots = await listSnapshots(store, runId);
  const count = Math.min(MAX_PREVIEWS, snapshots.length);
  const indices = Array.from({ length: count }, (_, i) =>
    Math.round((i * (snapshots.length - 1)) / Math.max(1, count - 1)),
  );
  const chosen = [...new Set(indices)].map((index) => snapshots[index] as CheckpointRef);
  const shown: ReportInput['progression'] = [];
  for (const { kimg, prefix: checkpoint } of chosen) {
    const manifest = await findManifest(store, checkpoint);
    const preview = manifest?.parts['preview.png'];
    if (preview)
      shown.push({
        kimg,
        png: await store.get(
          preview.key.startsWith(checkpoint) ? preview.key : `${checkpoint}${preview.key}`,
        ),
      });
  }
  return shown;
}

async function drawFigures(input: ReportInput): Promise<DrawnFigures> {
  const rows = await Promise.all(
    input.rows.map(async ({ name, real, synthetic }) => ({
      name,
      real: await grid(real, IMAGES_PER_CLASS / 2),
      synthetic: await grid(synthetic, IMAGES_PER_CLASS / 2),
    })),
  );
  const curveMetrics = [...new Set(input.curve.map(({ metric }) => metric))];
  const curves = curveMetrics.flatMap((metric) => {
    const svg = curveSvg(input.curve, metric, input.bestKimg);
    return svg ? [{ metric, svg }] : [];
  });
  return { rows, progression: input.progression, curves };
}

async function figureFiles(drawn: DrawnFigures): Promise<[string, Uint8Array][]> {
  const files: [string, Uint8Array][] = [];
  drawn.rows.forEach(({ real, synthetic }, i) => {
    if (real) files.push([`real-class-${i}`, real]);
    if (synthetic) files.push([`synthetic-class-${i}`, synthetic]);
  });
  for (const { kimg, png } of drawn.progression) files.push([`progression-${kimg}-kimg`, png]);
  for (const { metric, svg } of drawn.curves) {
    const png = await sharp(Buffer.from(svg), { density: 144 })
      .flatten({ background: '#ffffff' })
      .png()
      .toBuffer();
    files.push([`curve-${metric}`, png]);
  }
  return files;
}
