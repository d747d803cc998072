/** What a high strength of the adaptive augmentation means. */

import type { ObjectStore } from '../storage/object-store.js';
import { findManifest } from './reader.js';

/** Above it the augmentation has no more effect. */
const FULL = 1;
/** Above it the discriminator has been overfitting for long. */
const MUCH = 2;

/** {@link explainStrength} for a checkpoint; null when it cannot be read now. */
export async function strengthNote(store: ObjectStore, prefix: string): Promise<string | null> {
  const manifest = await findManifest(store, prefix).catch(() => null);
  return manifest && explainStrength(manifest.counters.augmentation.p);
}

/** @returns a sentence; null for a strength that needs no words */
export function explainStrength(p: number): string | null {
  if (p <= FULL) return null;
  const strength = `augmentation p is ${p.toFixed(2)}`;
  return p <= MUCH
    ? `${strength}: above 1 every transformation is applied to every image, so a higher value changes nothing more`
    : `Warning: ${strength}: the discriminator still recognizes the training images although all of them are augmented; results will be poor. Add images, or choose a stronger train.augPipe.`;
}
