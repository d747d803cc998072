/** Identifies the features of an extractor, without loading it: its version and its weights. */
import type { ExtractorName } from '../../spec/metrics.js';
import { classifierRecord } from '../../weights/classifiers/record.js';

/** Increment when the features of an image change with the same weights. */
const EFFNETLITE0_VERSION = 2;
const CLASSIFIER_VERSION = 1;
const RADIOMICS_VERSION = 1;

/**
 * Differs where the features of an image differ: features and metrics of other versions or weights
 * are not reused.
 *
 * @throws SetupError when its weights are missing
 */
export async function extractorIdentity(name: ExtractorName): Promise<string> {
  if (name === 'effnetlite0') return `${name}-v${EFFNETLITE0_VERSION}`;
  if (name === 'radiomics') return `${name}-v${RADIOMICS_VERSION}`;
  return `${name}-v${CLASSIFIER_VERSION}-${(await classifierRecord(name)).sha256.slice(0, 12)}`;
}

/** Identities by name. */
export async function extractorIdentities(
  names: readonly ExtractorName[],
): Promise<Partial<Record<ExtractorName, string>>> {
  const identities = names.map(async (name) => [name, await extractorIdentity(name)] as const);
  return Object.fromEntries(await Promise.all(identities));
}
