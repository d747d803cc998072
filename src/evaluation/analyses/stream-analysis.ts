/** Analyses of streams of images: pixels are recorded while the images are measured. */
import type { OnProgress } from '../../core/progress.js';
import type { AnalysisResult, KeepFigure } from '../../spec/analyses.js';
import type { ExtractorName } from '../../spec/metrics.js';
import type { SquareImage } from '../extractors/input.js';
import type { FeatureMatrix } from '../metrics/feature-matrix.js';
import type { AnalyzedSet } from './analyzed-set.js';
import { PixelFile } from './pixel-file.js';
import { type AnalysisSettings, runAnalyses } from './registry.js';
import { extractWith } from './stored-analysis.js';

export interface StreamAnalyses extends AnalysisSettings {
  extractor: ExtractorName;
  /** null: no figures are wanted. */
  keep: KeepFigure | null;
  onProgress: OnProgress;
}

/** What is known of an image of a stream besides its features. */
interface Recorded {
  file: PixelFile;
  side: number;
  channels: 1 | 3;
}

type StreamName = 'train' | 'holdout' | 'synthetic';

export class StreamAnalysis {
  private readonly recorded = new Map<StreamName, Recorded>();

  constructor(private readonly settings: StreamAnalyses) {}

  /** Passes images on and keeps their pixels. */
  async *record<Image extends SquareImage>(
    set: StreamName,
    images: AsyncIterable<Image>,
  ): AsyncGenerator<Image> {
    for await (const image of images) {
      await this.keep(set, image);
      yield image;
    }
  }

  /**
   * Analyses of the recorded images.
   *
   * @param holdout real images that the generator has not seen, if there are any
   */
  async run(
    train: FeatureMatrix,
    synthetic: FeatureMatrix,
    holdout: AsyncIterable<SquareImage> | null,
  ): Promise<AnalysisResult[]> {
    const { extractor, keep, onProgress } = this.settings;
    const extract = extractWith(extractor, onProgress);
    const unseen = holdout && (await extract(this.record('holdout', holdout)));
    const sets = {
      train: this.setOf('train', train),
      holdout: unseen && this.setOf('holdout', unseen),
      synthetic: this.setOf('synthetic', synthetic),
      classes: null,
      extract,
    };
    return runAnalyses(sets, this.settings, { keep, onProgress });
  }

  async remove(): Promise<void> {
    for (const { file } of this.recorded.values()) await file.remove();
    this.recorded.clear();
  }

  private async keep(set: StreamName, { pixels, resolution: side, channels }: SquareImage): Promise<void> {
    const known = this.recorded.get(set) ?? { file: await PixelFile.create(), side, channels };
    this.recorded.set(set, known);
    await known.file.append(pixels);
  }

  private setOf(set: StreamName, features: FeatureMatrix): AnalyzedSet {
    const { file, side, channels } = this.recorded.get(set) as Recorded;
    const read = (index: number) => file.read(index, side * side * channels);
    return { images: file.images, side, channels, labels: null, features, pixels: { read } };
  }
}
