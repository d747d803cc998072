/**
 * The initial weights of a training: resolved once, and recorded in `initial-weights.json` before
 * they are used.
 */
import { z } from 'zod';
import { CheckpointError, PreconditionFailedError } from '../core/errors.js';
import { findJson, putJson } from '../storage/index.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { Warn } from '../checkpoints/reader.js';
import { NETWORKS } from './network-weights.js';
import { openWeights, reopenWeights, type SourceWeights } from './source.js';

const recordSchema = z.object({
  version: z.literal(1),
  /** `train.resume` as it was given. */
  resume: z.string(),
  /** The resolved address, for display. */
  from: z.string(),
  identity: z.object({ address: z.string(), sha256: z.string() }),
  /** Networks that the source had; an older snapshot keeps only some. */
  networks: z.array(z.enum(NETWORKS)),
});
type InitialWeightsRecord = z.output<typeof recordSchema>;

/**
 * Opens the initial weights of a training. Although a source run may continue meanwhile, every
 * attempt before the first checkpoint starts from the weights that the first attempt found.
 *
 * @param plan uses the weights. Weights that it refuses are not recorded, so that the user can give
 *   other ones
 * @throws CheckpointError when there are none, when they differ from the recorded ones, or when
 *   `plan` refuses them
 */
export async function openInitialWeights<T>(
  { store, runPrefix, warn }: { store: ObjectStore; runPrefix: string; warn: Warn },
  resume: string,
  plan: (source: SourceWeights) => T,
): Promise<T> {
  const key = `${runPrefix}initial-weights.json`;
  const recorded = await findJson(store, key, recordSchema);
  if (recorded) return plan(await reopen(store, recorded, resume));
  const source = await openWeights(store, resume, warn);
  const planned = plan(source);
  if (await record(store, key, recordOf(resume, source))) return planned;
  return openInitialWeights({ store, runPrefix, warn }, resume, plan);
}

function recordOf(resume: string, { from, identity, networks }: SourceWeights): InitialWeightsRecord {
  return { version: 1, resume, from, identity, networks: networksOf(networks) };
}

function networksOf(networks: SourceWeights['networks']): InitialWeightsRecord['networks'] {
  return NETWORKS.filter((name) => networks[name]);
}

/** @returns false when another attempt of this training has recorded its weights first */
async function record(store: ObjectStore, key: string, content: InitialWeightsRecord): Promise<boolean> {
  try {
    await putJson(store, key, content, { ifAbsent: true });
    return true;
  } catch (error) {
    if (error instanceof PreconditionFailedError) return false;
    throw error;
  }
}

async function reopen(
  store: ObjectStore,
  recorded: InitialWeightsRecord,
  resume: string,
): Promise<SourceWeights> {
  if (recorded.resume !== resume)
    throw refusal(recorded, `started from ${recorded.resume}, and is to start from ${resume} now`);
  const source = await reopenWeights(store, recorded.identity).catch((cause: unknown) => {
    if (cause instanceof CheckpointError)
      throw refusal(recorded, 'started from weights that have been deleted or changed since', cause);
    throw cause;
  });
  if (networksOf(source.networks).join() !== recorded.networks.join())
    throw refusal(recorded, 'started from weights of which only some still exist');
  return { ...source, from: recorded.from };
}

function refusal({ identity }: InitialWeightsRecord, what: string, cause?: unknown): CheckpointError {
  return new CheckpointError({
    what: `this training ${what}`,
    where: identity.address,
    hint: 'It has no checkpoint of its own yet, so nothing is lost: start a new run.',
    cause,
  });
}
