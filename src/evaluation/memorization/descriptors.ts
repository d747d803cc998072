/** Small descriptors by which copies are searched among many images. */
import type { Tensor3D } from '@tensorflow/tfjs';
import type { OnProgress } from '../../core/progress.js';
import { tf } from '../../nn/tensorflow.js';
import { type AnalyzedSet, imagesOf } from '../analyses/analyzed-set.js';
import { grayPlane, type Plane, reduced, standardized } from '../analyses/plane.js';
import { transform } from '../analyses/spectrum.js';
import { concatRows, type FeatureMatrix } from '../metrics/feature-matrix.js';

/** Sides of the small images, and of the part of their spectra that counts. */
const THUMBNAIL = 16;
const SPECTRUM = 32;
const LOW = 8;
/** Larger images are aligned at this side. */
const ALIGNED = 64;
const CHUNK = 256;

export interface Descriptors {
  /** Standardized small images. */
  thumbnails: FeatureMatrix;
  /** Magnitudes of low frequencies, which neither a shift nor a reflection changes. */
  spectra: FeatureMatrix;
  /** Gray image of up to 64 pixels a side. */
  plane(index: number): Plane;
}

export async function describe(set: AnalyzedSet, onProgress: OnProgress): Promise<Descriptors> {
  const aligned = Math.min(ALIGNED, set.side);
  const planes = new Uint8Array(set.images * aligned * aligned);
  const thumbnails = new Float32Array(set.images * THUMBNAIL * THUMBNAIL);
  const spectra: Float32Array[] = [];
  let chunk: Float32Array[] = [];
  let done = 0;
  const flush = async () => {
    spectra.push(magnitudes(chunk));
    chunk = [];
    onProgress({ done, total: set.images, unit: 'images' });
    await new Promise(setImmediate);
  };
  for await (const { pixels } of imagesOf(set)) {
    const plane = reduced(grayPlane(pixels, set.side, set.channels), aligned);
    planes.set(Uint8Array.from(plane.data, Math.round), done * aligned * aligned);
    thumbnails.set(standardized(reduced(plane, THUMBNAIL).data), done * THUMBNAIL * THUMBNAIL);
    chunk.push(standardized(reduced(plane, SPECTRUM).data));
    done++;
    if (chunk.length === CHUNK) await flush();
  }
  if (chunk.length > 0) await flush();
  return {
    thumbnails: { rows: set.images, columns: THUMBNAIL * THUMBNAIL, data: thumbnails },
    spectra: concatRows(spectra, LOW * LOW),
    plane: (index) => {
      const size = aligned * aligned;
      return { side: aligned, data: Float32Array.from(planes.subarray(index * size, (index + 1) * size)) };
    },
  };
}

/** Of each image, the mean of the magnitudes at (u, v) and (-u, v) for low frequencies. */
function magnitudes(planes: readonly Float32Array[]): Float32Array {
  const whole = tf.tidy(() => {
    const data = new Float32Array(planes.length * SPECTRUM * SPECTRUM);
    for (const [i, plane] of planes.entries()) data.set(plane, i * plane.length);
    const images: Tensor3D = tf.tensor3d(data, [planes.length, SPECTRUM, SPECTRUM]);
    const { real, imaginary } = transform(images);
    return tf.sqrt(tf.add(tf.square(real), tf.square(imaginary)));
  });
  const values = whole.dataSync<'float32'>();
  whole.dispose();
  const out = new Float32Array(planes.length * LOW * LOW);
  const at = (image: number, row: number, column: number) =>
    values[(image * SPECTRUM + (row % SPECTRUM)) * SPECTRUM + (column % SPECTRUM)] as number;
  for (let image = 0; image < planes.length; image++)
    for (let row = 0; row < LOW; row++)
      for (let column = 0; column < LOW; column++)
        out[(image * LOW + row) * LOW + column] =
          (at(image, row, column) + at(image, row, SPECTRUM - column)) / 2;
  return out;
}
