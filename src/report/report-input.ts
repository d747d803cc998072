/** All data that a report shows. Rendering reads nothing else. */
import type { AnalysisResult, Interval } from '../spec/analyses.js';
import type { ClassMetrics } from '../spec/class-metrics.js';
import type { SetName } from '../spec/compute-tasks.js';
import type { LineFit } from '../spec/line-fit.js';
import type { ExtractorName } from '../spec/metrics.js';
import type { PipelineSpec } from '../spec/pipeline.js';
import type { CurvePoint, MetricGap } from '../spec/results.js';
import type { Picture } from './figures/picture.js';

/** Real and synthetic images of one class; `name` is null in an unlabeled data set. */
export interface ClassRow {
  name: string | null;
  real: Uint8Array[];
  synthetic: Uint8Array[];
}

/** A figure with all that a reader needs to understand it. */
export interface ReportFigure {
  title: string;
  caption: string;
  /** Alternative text. */
  alt: string;
  picture: Picture;
}

/** An image as a point of the map; the axes have no unit. */
export interface MapPoint {
  x: number;
  y: number;
  set: SetName;
  /** Index of its class; null when unlabeled. */
  label: number | null;
}

/** Both sets in two dimensions. */
export interface FeatureMap {
  extractor: ExtractorName;
  points: MapPoint[];
  /** Class names, where all sets are labeled. */
  classes: string[] | null;
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
  /** Lines that values for infinitely many images are read off, by full name. */
  fits?: Record<string, LineFit>;
  /** Metrics of the images of each class. */
  classes?: ClassMetrics[];
  /** Strips of images (PNG) by the metric of the generator that they explain. */
  pictures?: Record<string, Uint8Array>;
  analyses: AnalysisResult[];
  /** Figures of the analyses by their `file`, where the store has them. */
  analysisFigures: Record<string, Picture>;
  /** Figures beside those of the analyses and of metrics. */
  figures: ReportFigure[];
  rows: ClassRow[];
  /** Classes of the data set that `rows` leaves out. */
  classesNotShown: number;
  map: FeatureMap | null;
  /** Previews of the generator in order of kimg. */
  progression: { kimg: number; png: Uint8Array }[];
  curve: CurvePoint[];
  /** Snapshots without metrics. */
  gaps: MetricGap[];
  bestKimg: number | null;
  dataset: {
    digest: string;
    resolution: number;
    classes: string[] | null;
    train: number;
    holdout: number;
    /** How values of the sources became gray values; null when they already were. */
    window: string | null;
    /** The reason of each rejected image. */
    rejected: string[];
    /** What was found in its source: a kind of finding, and what is to be said of it. */
    findings: [string, string][];
    /** How bright the images of each class are, as SVG. */
    exposure?: string | null;
    figures: ReportFigure[];
  };
  synthetic: { digest: string; prefix: string; images: number };
  /** Whether the run has a training; otherwise the synthetic set comes from elsewhere. */
  isTrained: boolean;
  /** The origin of data, weights and settings, as pairs of label and value. */
  lineage: [string, string][];
}
