/** Weights that the metrics of a run need, looked for before it starts. */
import { embeddedParts } from '../client/stack/parts.js';
import { selectedMetrics } from '../spec/evaluate.js';
import { type ExtractorName, extractorsOf } from '../spec/metrics.js';
import type { PipelineSpec } from '../spec/pipeline.js';

/**
 * Only where the embedded stack computes on this machine: other workers have weights of their own.
 *
 * @throws SetupError when they were not imported, instead of at the end of a long training
 */
export async function checkWeights({ stages, train, evaluate }: PipelineSpec): Promise<void> {
  if (!embeddedParts().includes('worker')) return;
  const metrics = [
    ...(stages.includes('train') ? train.snapshotMetrics : []),
    ...(stages.includes('evaluate') ? selectedMetrics(evaluate) : []),
  ];
  for (const extractor of extractorsOf(metrics)) if (isImported(extractor)) await checkExtractor(extractor);
}

type Imported = Exclude<ExtractorName, 'effnetlite0' | 'radiomics'>;

/** Set-up installs those of effnetlite0; radiomics has none. */
function isImported(extractor: ExtractorName): extractor is Imported {
  return extractor !== 'effnetlite0' && extractor !== 'radiomics';
}

async function checkExtractor(extractor: Imported): Promise<void> {
  const { classifierRecord } = await import('../weights/classifiers/index.js');
  await classifierRecord(extractor);
}
