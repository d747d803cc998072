/**
 * Radiomic features of whole images: those of FRD version 1 on the unfiltered image (Konz et al.
 * 2026, table 1), by the definitions of the IBSI. Shapes of regions, wavelets and resampling are
 * left out.
 */
import type { SquareImage } from '../extractors/input.js';
import { cooccurrenceFeatures } from './cooccurrence.js';
import { firstOrderFeatures } from './first-order.js';
import { grayImage } from './gray-levels.js';
import { neighborhoodFeatures } from './neighborhood.js';
import { runFeatures, zoneFeatures } from './runs-and-zones.js';

/** Features by class and name, as pyradiomics names them: `glcm_Contrast`. */
export function radiomicFeatures(image: SquareImage): Record<string, number> {
  const gray = grayImage(image);
  const classes = {
    firstorder: firstOrderFeatures(gray),
    glcm: cooccurrenceFeatures(gray),
    glrlm: runFeatures(gray),
    glszm: zoneFeatures(gray),
    ngtdm: neighborhoodFeatures(gray),
  };
  return Object.fromEntries(
    Object.entries(classes).flatMap(([name, features]) =>
      Object.entries(features).map(([feature, value]) => [`${name}_${feature}`, value] as const),
    ),
  );
}
