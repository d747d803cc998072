/** The preprocess stage: plan, shards, assembly. */
import { log } from '../core/log.js';
import {
  assembleDataset,
  buildShard,
  lookShard,
  openSource,
  planDataset,
  readPlan,
  warningsOf,
} from '../imaging/index.js';
import { type PreprocessSpec, preprocessSchema } from '../spec/preprocess.js';
import type { DatasetRef } from '../spec/results.js';
import { sha256 } from '../storage/digest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { withHeartbeats } from './heartbeat.js';

export interface DatasetPlanned {
  /** Folder of the data set under `datasets/`. */
  digest: string;
  shards: number;
  /** Number of shards of looks; where there are any, the plan is finished after them. */
  looks?: number;
  /** The finished data set, when an earlier run made the same one. */
  dataset: DatasetRef | null;
}

/** A run that an earlier version started lacks the keys that were added since. */
function completed(spec: PreprocessSpec): PreprocessSpec {
  return preprocessSchema.parse(spec);
}

export function createPreprocessActivities({ store }: { store: ObjectStore }) {
  return {
    /**
     * Lists the source and writes which image goes where; images themselves are not decoded yet.
     */
    async planDataset(input: {
      runId: string;
      preprocess: PreprocessSpec;
      reuse: boolean;
      /** Whether the shards of looks are done. */
      isLooked?: boolean;
    }): Promise<DatasetPlanned> {
      // The same for every attempt of a run.
      const generation = input.reuse ? undefined : sha256(input.runId).slice(0, 8);
      const planned = await withHeartbeats('listing', (controls) =>
        planDataset(store, completed(input.preprocess), {
          ...controls,
          generation,
          sharesLooks: !input.isLooked,
        }),
      );
      if (planned.dataset || planned.looks) return planned;
      const { runId } = input;
      for (const warning of warningsOf(await readPlan(store, planned.digest))) log.warn(warning, { runId });
      return planned;
    },

    /** Makes one shard's images and thumbnails, by which copies are found. Idempotent. */
    async lookShard(input: { digest: string; preprocess: PreprocessSpec; shard: number }): Promise<void> {
      const source = openSource(input.preprocess.source);
      const { digest, shard } = input;
      await withHeartbeats('images', (controls) =>
        lookShard(store, source, completed(input.preprocess), { digest, shard, ...controls }),
      );
    },

    /** Decodes, squares and resizes one shard's images. Idempotent. */
    async buildShard(input: { digest: string; preprocess: PreprocessSpec; shard: number }): Promise<void> {
      const source = openSource(input.preprocess.source);
      const { digest, shard } = input;
      await withHeartbeats('images', (controls) =>
        buildShard(store, source, completed(input.preprocess), { digest, shard, ...controls }),
      );
    },

    /** Counts, checks and writes the manifest, which makes the data set exist. */
    async assembleDataset(input: { digest: string; preprocess: PreprocessSpec }): Promise<DatasetRef> {
      return withHeartbeats('assembling', (controls) =>
        assembleDataset(store, completed(input.preprocess), input.digest, controls),
      );
    },
  };
}

export type PreprocessActivities = ReturnType<typeof createPreprocessActivities>;
