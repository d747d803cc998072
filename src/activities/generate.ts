/** The generate stage: how many shards, the shards, the manifest over them. */
import { createHash } from 'node:crypto';
import { weightsDigest } from '../checkpoints/index.js';
import type { Compute } from '../spec/compute-tasks.js';
import type { GenerateSpec } from '../spec/generate.js';
import type { CheckpointRef, DatasetRef, GenerateResult } from '../spec/results.js';
import type { ObjectStore } from '../storage/object-store.js';
import { withHeartbeats } from './heartbeat.js';

export interface GenerateInput {
  runId: string;
  checkpoint: CheckpointRef;
  /** For class proportions `as-real`; null when only a checkpoint was given. */
  dataset: DatasetRef | null;
  generate: GenerateSpec;
}

/** Identifies a synthetic set: the weights, their address, and the settings. */
async function syntheticDigest(store: ObjectStore, { checkpoint, generate }: GenerateInput): Promise<string> {
  const weights = await weightsDigest(store, checkpoint.prefix);
  // Neither the card nor what the evaluation rejects changes an image.
  const { card: _, rejectAbove: __, ...settings } = generate;
  return createHash('sha256')
    .update(JSON.stringify([checkpoint.prefix, weights, settings]))
    .digest('hex')
    .slice(0, 16);
}

export function createGenerateActivities({ store, compute }: { store: ObjectStore; compute: Compute }) {
  return {
    async planGeneration(input: GenerateInput): Promise<{ digest: string; shards: number }> {
      return {
        digest: await withHeartbeats('listing', () => syntheticDigest(store, input)),
        shards: Math.ceil(input.generate.count / input.generate.shardImages),
      };
    },

    /** Makes the images of one shard. Idempotent. */
    async generateShard(input: GenerateInput & { digest: string; shard: number }): Promise<void> {
      await withHeartbeats('computing', (controls) => compute.run('generateShard', input, controls));
    },

    /** Writes the preview grid and the manifest, which makes the synthetic set exist. */
    async assembleSynthetic(input: GenerateInput & { digest: string }): Promise<GenerateResult> {
      return withHeartbeats('computing', (controls) => compute.run('assembleSynthetic', input, controls));
    },
  };
}

export type GenerateActivities = ReturnType<typeof createGenerateActivities>;
