/** The analyses of a synthetic set by name. */
import type { AnalysisResult } from '../../spec/analyses.js';
import type { ImageAnalysis } from '../../spec/evaluate.js';
import { artifacts } from '../artifacts/artifacts.js';
import { memorization } from '../memorization/memorization.js';
import { nuisances } from '../nuisances/nuisances.js';
import type { AnalysisOutlets, AnalyzedSets } from './analyzed-set.js';
import type { FinishedAnalyses } from './finished.js';

export interface AnalysisSettings {
  names: readonly ImageAnalysis[];
  /** Quantile of the scores of real images above which synthetic images are listed as rejected. */
  rejectAbove: number | null;
}

type Analyze = (
  sets: AnalyzedSets,
  outlets: AnalysisOutlets,
  settings: AnalysisSettings,
) => Promise<AnalysisResult>;

const ANALYSES: Record<ImageAnalysis, Analyze> = {
  memorization,
  artifacts: (sets, outlets, { rejectAbove }) => artifacts(sets, outlets, rejectAbove),
  nuisances,
};

export async function runAnalyses(
  sets: AnalyzedSets,
  settings: AnalysisSettings,
  outlets: AnalysisOutlets,
  finished?: FinishedAnalyses,
): Promise<AnalysisResult[]> {
  const results: AnalysisResult[] = [];
  for (const name of settings.names) {
    const known = await finished?.find(name);
    const result = known ?? (await ANALYSES[name](sets, outlets, settings));
    if (!known) await finished?.add(result);
    results.push(result);
  }
  return results;
}
