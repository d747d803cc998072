/** Which weights a training begins from: resolved once, and on record before anything is built on it, in `beginning.json`. */
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
  /** Where it led, for people. */
  from: z.string(),
  identity: z.object({ address: z.string(), sha256: z.string() }),
  /** An older snapshot keeps fewer than it once had. */
  networks: z.array(z.enum(NETWORKS)),
});
type InitialWeightsRecord = z.output<typeof recordSchema>;

/**
 * Opens the weights that a training begins from. A run that is named goes on meanwhile; every attempt before the first
 * checkpoint begins from what the first one found all the same.
 *
 * @param plan what becomes of them; weights that it refuses are not recorded, so that another source may be given
 * @throws CheckpointError when there are none, when they are no longer what is on record, or when `plan` refuses them
 */
export async function openInitialWeights<T>(
  { store, runPrefix, warn }: { store: ObjectStore; runPrefix: string; warn: Warn },
  resume: string,
  plan: (source: SourceWeights) => T,
): Promise<T> {
  const key = `${runPrefix}beginning.json`;
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

/** false: another attempt of this training was first. */
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
    throw refusal(recorded, `began from ${recorded.resume}, and is asked to begin from ${resume} now`);
  const source = await reopenWeights(store, recorded.identity).catch((cause: unknown) => {
    if (cause instanceof CheckpointError)
      throw refusal(recorded, 'began from weights that are gone or have been changed since', cause);
    throw cause;
  });
  if (networksOf(source.networks).join() !== recorded.networks.join())
    throw refusal(recorded, 'began from weights of which only some are kept any more');
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
