/**
 * Means and covariances of real images in the object store: an evaluation of another synthetic set
 * with the same reference does not compute them again.
 */
import { z } from 'zod';
import { StoreError } from '../core/errors.js';
import { findObject } from '../storage/find-object.js';
import {
  findJson,
  joinKey,
  type ObjectStore,
  partSchema,
  putJson,
  putPart,
  sha256,
} from '../storage/index.js';
import type { FeatureMatrix } from './metrics/feature-matrix.js';
import { type GaussianStatistics, gaussianStatistics } from './metrics/frechet-distance.js';

/** Increment when the statistics of equal features change. */
const VERSION = 1;

const recordSchema = z.object({
  version: z.literal(VERSION),
  images: z.int(),
  features: z.int(),
  /** Doubles: the mean, the trace, the covariance. */
  values: partSchema,
});

/** Where the statistics of a set are kept. */
export interface StatisticsPlace {
  /** Of the features of the set. */
  prefix: string;
  name: string;
}

/**
 * The statistics of a set. With fewer images than features they are as large as the features, and
 * are not kept.
 *
 * @param place identifies the extractor, the set and its images
 */
export async function storedStatistics(
  store: ObjectStore,
  place: StatisticsPlace,
  features: FeatureMatrix,
): Promise<GaussianStatistics> {
  if (features.rows < features.columns) return gaussianStatistics(features);
  const found = await findStatistics(store, place, features);
  if (found) return found;
  const { images, mean, trace, spread } = gaussianStatistics(features);
  const doubles = Float64Array.from([...mean, trace]);
  const bytes = Buffer.concat([doubles, spread.matrix.data].map(bytesOf));
  // Equal features give equal statistics, so concurrent writers are safe.
  const values = await putPart(store, place.prefix, `${place.name}.f64`, bytes);
  const record: z.input<typeof recordSchema> = {
    version: VERSION,
    images,
    features: features.columns,
    values,
  };
  await putJson(store, recordKey(place), record);
  return { images, mean, trace, spread };
}

/** null without statistics, and for damaged ones: they are computed again. */
async function findStatistics(
  store: ObjectStore,
  place: StatisticsPlace,
  { rows, columns }: FeatureMatrix,
): Promise<GaussianStatistics | null> {
  const record = await findJson(store, recordKey(place), recordSchema).catch((error: unknown) => {
    if (error instanceof StoreError) return null;
    throw error;
  });
  if (record?.images !== rows || record.features !== columns) return null;
  const bytes = await findObject(store, joinKey(place.prefix, record.values.key));
  if (!bytes || sha256(bytes) !== record.values.sha256) return null;
  const values = new Float64Array(Uint8Array.from(bytes).buffer);
  return {
    images: rows,
    mean: values.slice(0, columns),
    trace: values[columns] as number,
    spread: {
      kind: 'covariance',
      matrix: { rows: columns, columns, data: values.subarray(columns + 1) },
    },
  };
}

function recordKey({ prefix, name }: StatisticsPlace): string {
  return joinKey(prefix, `${name}.json`);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
