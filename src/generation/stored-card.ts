/** Writes the data card of a synthetic set in the store, from the records of its run. */
import { z } from 'zod';
import type { CheckpointManifest } from '../checkpoints/manifest.js';
import { CHECKPOINT_PARTS, trainPrefix } from '../checkpoints/manifest.js';
import { findManifest } from '../checkpoints/reader.js';
import { datasetManifestSchema, datasetPrefix } from '../imaging/index.js';
import { findJson, getJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type CardEvaluation, type CardFacts, DATA_CARD, dataCard } from './data-card.js';
import { type SyntheticManifest, syntheticManifestSchema } from './synthetic-manifest.js';

const transferSchema = z.object({ from: z.string() });

/**
 * Replaces the card of a set.
 *
 * @param manifest default: that of the store
 * @returns the text of the card
 */
export async function putDataCard(
  store: ObjectStore,
  prefix: string,
  { manifest, evaluation }: { manifest?: SyntheticManifest; evaluation: CardEvaluation | null },
): Promise<string> {
  const set = manifest ?? (await getJson(store, `${prefix}manifest.json`, syntheticManifestSchema));
  const { images, resolution, channels, classes, counts, truncationPsi, seed, checkpoint } = set;
  const selection = set.selection ?? null;
  const count = selection?.images ?? images;
  const seeds = count > 1 ? `${seed} to ${seed + count - 1}` : String(seed);
  const facts = await cardFacts(store, checkpoint.prefix, {
    name: `synthetic set ${set.digest}`,
    card: set.card ?? {},
    images: {
      count: images,
      resolution,
      channels,
      classes: classes?.map((name, i) => ({ name, images: counts?.[i] ?? 0 })) ?? null,
    },
    truncationPsi,
    seeds: selection ? `${seeds}, without those of the images left out` : seeds,
    selection,
    evaluation,
    // Classes of single images are in the lists of the shards: the command of a folder differs.
    reproduce: `gist run SPEC --stages generate --from '{"checkpoint": "${checkpoint.prefix}"}' \\\n  --set generate.count=${count} --set generate.seed=${seed} --set generate.truncationPsi=${truncationPsi}${selection ? ` \\\n  --set generate.rejectAbove=${selection.rejectAbove}` : ''}`,
  });
  const text = dataCard(facts);
  await store.put(`${prefix}${DATA_CARD}`, Buffer.from(text), {
    contentType: 'text/markdown; charset=utf-8',
  });
  return text;
}

/** What is known of the images that a checkpoint makes. */
interface MadeImages
  extends Pick<CardFacts, 'name' | 'card' | 'images' | 'selection' | 'evaluation' | 'reproduce'> {
  truncationPsi: number;
  seeds: string;
}

/** Adds what the store knows of the checkpoint, and of the data set of its training. */
export async function cardFacts(
  store: ObjectStore,
  prefix: string,
  { truncationPsi, seeds, ...made }: MadeImages,
): Promise<CardFacts> {
  const checkpoint = await findManifest(store, prefix);
  const runId = /^runs\/(.+)\/train\//.exec(prefix)?.[1];
  const transfer = runId ? await findJson(store, `${trainPrefix(runId)}transfer.json`, transferSchema) : null;
  const cfg = checkpoint?.configuration.network.cfg;
  return {
    ...made,
    generator: {
      checkpoint: prefix === '' ? store.uri : prefix,
      weights: checkpoint?.parts[CHECKPOINT_PARTS.generatorEma]?.sha256 ?? null,
      cfg: typeof cfg === 'string' ? cfg : 'unknown',
      kimg: checkpoint?.kimg ?? 0,
      truncationPsi,
      seeds,
      transferredFrom: transfer?.from ?? null,
    },
    real: checkpoint && (await realImages(store, checkpoint)),
  };
}

/** Where a checkpoint was copied without its data set, its own numbers are all that is known. */
async function realImages(
  store: ObjectStore,
  { configuration, classes }: CheckpointManifest,
): Promise<CardFacts['real']> {
  const digest = configuration.dataset;
  if (digest === 'imported') return null;
  const dataset = await findJson(store, `${datasetPrefix(digest)}manifest.json`, datasetManifestSchema);
  const counted = classes?.reduce((sum, { images }) => sum + images, 0) ?? null;
  return {
    digest,
    train: dataset?.images.train ?? counted,
    holdout: dataset?.images.holdout ?? null,
    classes,
  };
}
