/** The task behind the end of the evaluate stage: metrics, analyses, their files, the report. */
import type { OnProgress } from '../core/progress.js';
import { classifierAnalysis } from '../evaluation/gan-train-test/analysis.js';
import {
  analyzeSets,
  type Evaluation,
  evaluateSets,
  extractorIdentities,
  FinishedAnalyses,
  fitFigure,
  officialLines,
  type StoredAnalyses,
} from '../evaluation/index.js';
import { renderRunReport } from '../report/run-report.js';
import { analysisMetrics } from '../spec/analyses.js';
import type { ComparedSets, EvaluateInput } from '../spec/compute-tasks.js';
import { selectedAnalyses, selectedMetrics } from '../spec/evaluate.js';
import type { EvaluateResult } from '../spec/results.js';
import { contentKey, type ObjectStore, putJson } from '../storage/index.js';
import { STAGE_VERSIONS } from '../storage/runs.js';
import { acceptImages } from './accepted-set.js';

/** The result exists once its activity returns it. */
export async function computeMetrics(
  store: ObjectStore,
  input: EvaluateInput,
  onProgress: OnProgress,
): Promise<EvaluateResult> {
  const { runId, spec, synthetic, classifiers } = input;
  const prefix = `runs/${runId}/evaluate/${synthetic.digest}/`;
  const sets = comparedSets(input);
  const evaluated = await evaluateSets(store, sets, selectedMetrics(spec.evaluate), onProgress);
  const found = await analyzeSets(store, sets, await analysesOf(store, prefix, input), onProgress);
  const trained = classifiers ? [await classifierAnalysis(store, classifiers)] : [];
  const analyses = [...found, ...trained];
  const metrics = { ...evaluated.metrics, ...analysisMetrics(analyses) };
  const untrained = classifiers?.impossible ? trained.map(({ statement }) => statement) : [];
  const { extractor } = spec.evaluate;
  const extractors = {
    ...evaluated.extractors,
    ...(found.length > 0 && (await extractorIdentities([extractor]))),
  };
  const { intervals, fits, classes } = evaluated;
  const acceptance = await acceptImages(
    store,
    input,
    {
      prefix,
      identities: Object.values(extractors),
      evaluation: { runId, metrics, intervals, analyses },
    },
    onProgress,
  );
  const caveats = [...evaluated.caveats, ...untrained, ...(acceptance ? [acceptance.note] : [])];
  const evaluation = { ...evaluated, extractors, metrics, analyses, caveats };
  await putFigures(store, prefix, evaluation);
  const { key, conclusion } = await renderRunReport(store, input, evaluation, { prefix, onProgress });
  await putOfficialLines(store, prefix, input, metrics);
  const accepted = acceptance?.accepted;
  const told = { caveats, extractors, conclusion, ...(accepted && { accepted }) };
  const details = { ...told, intervals, fits, classes, analyses };
  await putJson(store, `${prefix}metrics.json`, { ...metrics, ...details });
  return { stage: 'evaluate', prefix, metrics, ...told, report: key };
}

function comparedSets({ spec, dataset, synthetic, train }: EvaluateInput): ComparedSets {
  const { maxImages, generatorImages: images } = spec.evaluate;
  return {
    dataset: dataset.prefix,
    synthetic: synthetic.prefix,
    maxImages,
    ...(train && { generator: { checkpoint: train.checkpoint.prefix, images } }),
  };
}

/** The analyses that a spec asks for; their figures and results are kept below the prefix. */
async function analysesOf(
  store: ObjectStore,
  prefix: string,
  { spec: { evaluate, generate }, dataset, synthetic }: EvaluateInput,
): Promise<StoredAnalyses> {
  const { extractor, maxImages } = evaluate;
  const { rejectAbove = null } = generate;
  const identity = Object.values(await extractorIdentities([extractor]));
  const inputs = [dataset.digest, synthetic.digest, ...identity];
  const key = contentKey('analyses', STAGE_VERSIONS.evaluate, inputs, { maxImages, rejectAbove });
  return {
    names: selectedAnalyses(evaluate),
    rejectAbove,
    extractor,
    finished: new FinishedAnalyses(store, prefix, key),
    keep: async (file, bytes) => void (await store.put(`${prefix}${file}`, bytes)),
  };
}

/** Figures of single metrics: fitted lines, strips of moved inputs. */
async function putFigures(
  store: ObjectStore,
  prefix: string,
  { fits, pictures }: Pick<Evaluation, 'fits' | 'pictures'>,
): Promise<void> {
  for (const [name, fit] of Object.entries(fits))
    await store.put(`${prefix}figures/${name}.svg`, Buffer.from(fitFigure(name, fit)));
  for (const [name, png] of Object.entries(pictures)) await store.put(`${prefix}figures/${name}.png`, png);
}

/** Files of StyleGAN3's format beside the report, with the values of the snapshots. */
async function putOfficialLines(
  store: ObjectStore,
  prefix: string,
  { train }: EvaluateInput,
  metrics: Readonly<Record<string, number>>,
): Promise<void> {
  if (!train) return;
  const { checkpoint } = train;
  const curve = 'curve' in train ? train.curve : [];
  const files = officialLines({ metrics, curve, checkpoint, timestamp: Date.now() / 1000 });
  for (const [file, lines] of Object.entries(files)) await store.put(`${prefix}${file}`, Buffer.from(lines));
}
