/** Reads what the report of a run shows from the store. */
import { findManifest } from '../checkpoints/index.js';
import type { OnProgress } from '../core/progress.js';
import { type DatasetManifest, datasetManifestSchema, findingRows } from '../imaging/index.js';
import { NO_DEEP_IMAGE } from '../imaging/pixels/window-choice.js';
import type { AnalysisResult } from '../spec/analyses.js';
import type { EvaluateInput } from '../spec/compute-tasks.js';
import type { CurvePoint } from '../spec/results.js';
import { findObject } from '../storage/find-object.js';
import { getJson, type ObjectStore } from '../storage/index.js';
import { featureMap } from './feature-map.js';
import { exposureSvg } from './figures/exposure.js';
import { type Picture, pictureOf } from './figures/picture.js';
import { lineageOf } from './lineage.js';
import type { ReportInput } from './report-input.js';
import { classRows, MAX_CLASSES, previews } from './sample-images.js';

/** The part of a report that the evaluation gives. */
export type Evaluated = Pick<
  ReportInput,
  'metrics' | 'caveats' | 'extractors' | 'intervals' | 'fits' | 'classes' | 'pictures' | 'analyses'
> & {
  /** Figures beside those of the analyses. */
  figures?: ReportInput['figures'];
};

/** @param prefix of the results of the evaluation, with the figures of its analyses */
export async function collectInput(
  store: ObjectStore,
  run: EvaluateInput,
  evaluation: Evaluated,
  { prefix, onProgress }: { prefix: string; onProgress?: OnProgress },
): Promise<ReportInput> {
  const { dataset, synthetic, train, spec } = run;
  const curve: CurvePoint[] = train && 'curve' in train ? train.curve : [];
  const manifest = await getJson(store, `${dataset.prefix}manifest.json`, datasetManifestSchema);
  const checkpoint = train ? await findManifest(store, train.checkpoint.prefix) : null;
  return {
    runId: run.runId,
    spec,
    createdAt: new Date().toISOString(),
    figures: [],
    ...evaluation,
    analysisFigures: await analysisFigures(store, prefix, evaluation.analyses),
    rows: await classRows(store, run),
    classesNotShown: Math.max(0, (dataset.classes?.length ?? 0) - MAX_CLASSES),
    map: await featureMap(store, run, onProgress),
    progression: train ? await previews(store, train.checkpoint) : [],
    curve,
    gaps: (train && 'gaps' in train && train.gaps) || [],
    bestKimg: curve.length > 0 ? (train?.checkpoint.kimg ?? null) : null,
    dataset: {
      digest: dataset.digest,
      resolution: dataset.resolution,
      classes: dataset.classes,
      ...dataset.images,
      window: windowText(manifest),
      rejected: manifest.rejected.map(({ reason }) => reason),
      findings: findingRows(manifest),
      exposure: manifest.exposure && exposureSvg({ classes: manifest.classes, ...manifest.exposure }),
      figures: [],
    },
    synthetic: { digest: synthetic.digest, prefix: synthetic.prefix, images: synthetic.images },
    isTrained: train !== null,
    lineage: await lineageOf(store, run, checkpoint),
  };
}

/** null when no value was mapped: 8-bit images, and DICOM images with windows of their own. */
function windowText({ window }: DatasetManifest): string | null {
  if (!window || window.reason === NO_DEEP_IMAGE) return null;
  return `values ${window.range.low} to ${window.range.high} of the 16-bit images became 0 to 255`;
}

async function analysisFigures(
  store: ObjectStore,
  prefix: string,
  analyses: readonly AnalysisResult[],
): Promise<Record<string, Picture>> {
  const found: Record<string, Picture> = {};
  for (const { file } of analyses.flatMap(({ figures }) => figures)) {
    const bytes = await findObject(store, `${prefix}${file}`);
    const picture = bytes && pictureOf(bytes);
    if (picture) found[file] = picture;
  }
  return found;
}
