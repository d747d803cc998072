/** One checkpoint that somebody names: its manifest, its parts, and what identifies its images. */
import { CheckpointError, StoreError } from '../core/errors.js';
import { sha256 } from '../storage/digest.js';
import { getJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type CheckpointManifest, manifestSchema, PARTS } from './manifest.js';

/** @throws CheckpointError when there is none, or it is damaged. */
export async function readManifest(store: ObjectStore, prefix: string): Promise<CheckpointManifest> {
  try {
    return await getJson(store, `${prefix}manifest.json`, manifestSchema);
  } catch (error) {
    if (!(error instanceof StoreError) || !(await storeAnswers(store, prefix))) throw error;
    throw new CheckpointError({
      what: 'is not a checkpoint of this version of GIST, or is damaged',
      where: `${prefix}manifest.json`,
      hint: 'Give the folder of a checkpoint: the one that holds manifest.json.',
      cause: error,
    });
  }
}

/** A refusal that concerns the whole store fails here too, and is thrown as it is. */
async function storeAnswers(store: ObjectStore, prefix: string): Promise<boolean> {
  await store.head(`${prefix}manifest.json`);
  return true;
}

/** A part of a checkpoint, verified. @throws CheckpointError when it is missing or damaged. */
export async function readPart(
  store: ObjectStore,
  prefix: string,
  manifest: CheckpointManifest,
  name: string,
): Promise<Uint8Array> {
  const part = manifest.parts[name];
  const key = `${prefix}${part?.key ?? name}`;
  if (part && (await store.head(key))?.bytes === part.bytes) {
    const bytes = await store.get(key);
    if (sha256(bytes) === part.sha256) return bytes;
  }
  throw new CheckpointError({
    what: part
      ? 'is missing or does not match the checksum in the manifest'
      : 'is not among the parts of the checkpoint',
    where: key,
    hint: 'Use another checkpoint of the run.',
  });
}

/**
 * SHA-256 of the weights that images are made with. An address alone does not say which they are: what was imported or trained there
 * may have been replaced since.
 *
 * @throws CheckpointError
 */
export async function weightsDigest(store: ObjectStore, prefix: string): Promise<string> {
  const part = (await readManifest(store, prefix)).parts[PARTS.generatorEma];
  if (part) return part.sha256;
  throw new CheckpointError({
    what: 'holds no averaged generator',
    where: `${prefix}manifest.json`,
    hint: 'Use another checkpoint.',
  });
}
