/** Computes the metrics of a generator; each result is kept, so that a retry continues. */
import { z } from 'zod';
import type { OnProgress } from '../../core/progress.js';
import { GeneratorProbe } from '../../generation/index.js';
import type { Interval } from '../../spec/analyses.js';
import { fullMetricName, type MetricName, METRICS, isGeneratorMetric } from '../../spec/metrics.js';
import { findJson, type ObjectStore, putJson } from '../../storage/index.js';
import { extractorIdentity } from '../extractors/identity.js';
import { withExtractor } from '../features.js';
import { equivariance, type Motion } from './equivariance.js';
import { pathLength } from './path-length.js';

/** Values and intervals by full name, and strips of pictures (PNG) by metric. */
export interface GeneratorMeasures {
  values: Record<string, number>;
  intervals: Record<string, Interval>;
  pictures: Record<string, Uint8Array>;
  caveats: string[];
}

export interface MeasuredGenerator {
  /** Key prefix of its checkpoint. */
  checkpoint: string;
  images: number;
}

const MOTIONS: Partial<Record<string, Motion>> = {
  eqt50k_int: 'int',
  eqt50k_frac: 'frac',
  eqr: 'rotation',
};

const keptSchema = z.object({
  value: z.number(),
  interval: z.object({ low: z.number(), high: z.number() }),
  strip: z.base64().nullable(),
});
type Kept = z.output<typeof keptSchema>;

/** @param generator undefined: there is none, and its metrics are left out with a caveat */
export async function measureGenerator(
  store: ObjectStore,
  generator: MeasuredGenerator | undefined,
  metrics: readonly MetricName[],
  onProgress: OnProgress,
): Promise<GeneratorMeasures> {
  const found: GeneratorMeasures = { values: {}, intervals: {}, pictures: {}, caveats: [] };
  const own = metrics.filter(isGeneratorMetric);
  if (own.length === 0) return found;
  if (!generator) {
    found.caveats.push(`${own.join(', ')}: left out, because this run has no generator.`);
    return found;
  }
  const probe = await GeneratorProbe.open(store, generator.checkpoint);
  try {
    for (const name of own) {
      if (MOTIONS[name] && !probe.hasTransform) {
        found.caveats.push(
          `${name} is left out: only the input of StyleGAN3 can be moved and rotated, and this generator is of another family.`,
        );
        continue;
      }
      const { value, interval, strip } = await measured(store, generator, { name, probe }, onProgress);
      const full = fullMetricName(name, 'generator');
      found.values[full] = value;
      found.intervals[full] = interval;
      if (strip !== null) found.pictures[name] = Buffer.from(strip, 'base64');
    }
  } finally {
    probe.dispose();
  }
  if (Object.keys(found.values).length > 0)
    found.caveats.push(
      `Metrics of the generator are computed on ${generator.images} images instead of the 50000 of publications.`,
    );
  return found;
}

async function measured(
  store: ObjectStore,
  { checkpoint, images }: MeasuredGenerator,
  { name, probe }: { name: MetricName; probe: GeneratorProbe },
  onProgress: OnProgress,
): Promise<Kept> {
  const { extractor } = METRICS[name];
  const identity = extractor === null ? '' : await extractorIdentity(extractor);
  const etag = (await store.head(`${checkpoint}manifest.json`))?.etag ?? '';
  const key = `features/generator/${checkpoint}${[name, images, identity].filter(Boolean).join('-')}.json`;
  const known = await findJson(store, key, keptSchema.extend({ etag: z.string() }));
  if (known?.etag === etag) return known;
  const report = (done: number) => onProgress({ done, total: images, unit: 'images' });
  const motion = MOTIONS[name];
  let kept: Kept;
  if (motion) {
    const { strip, ...values } = await equivariance(probe, motion, images, report);
    kept = { ...values, strip: Buffer.from(strip).toString('base64') };
  } else {
    if (extractor === null) throw new RangeError(`${name} has no extractor`);
    const values = await withExtractor(extractor, (extract) => pathLength(probe, extract, images, report));
    kept = { ...values, strip: null };
  }
  await putJson(store, key, { ...kept, etag });
  return kept;
}
