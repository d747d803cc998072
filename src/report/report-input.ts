/** All data that a report shows. Rendering reads nothing else. */
import type { AnalysisResult, Interval } from '../spec/analyses.js';
import type { ExtractorName } from '../spec/metrics.js';
import type { PipelineSpec } from '../spec/pipeline.js';
import type { CurvePoint } from '../spec/results.js';

/** Real and synthetic images of one class; `name` is null in an unlabeled data set. */
export interface ClassRow {
  name: string | null;
  real: Uint8Array[];
  synthetic: Uint8Array[];
}

export interface ReportInput {
  runId: string;
  spec: PipelineSpec;
  /** ISO 8601. */
  createdAt: string;
  /** Metrics by full name, for example `fd_effnetlite0.holdout`. */
  metrics: Record<string, number>;
  /** What a reader must know beside the metrics. */
  caveats: string[];
  /** Version and weights of the extractors. */
  extractors: Partial<Record<ExtractorName, string>>;
  /** 95 % intervals of metrics by full name. */
  intervals: Record<string, Interval>;
  analyses: AnalysisResult[];
  rows: ClassRow[];
  /** Previews of the generator in order of kimg. */
  progression: { kimg: number; png: Uint8Array }[];
  curve: CurvePoint[];
  bestKimg: number | null;
  dataset: {
    digest: string;
    resolution: number;
    train: number;
    holdout: number;
    /** The reason of each rejected image. */
    rejected: string[];
    /** What was found in its source: a kind of finding, and what is to be said of it. */
    findings: [string, string][];
    /** How bright the images of each class are, as SVG. */
    exposure?: string | null;
  };
  synthetic: { digest: string; images: number };
  /** The origin of data, weights and settings, as pairs of label and value. */
  lineage: [string, string][];
}
