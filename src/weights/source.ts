/** Finds weights by an address: a run, a checkpoint, imported weights, or a file of weights. */
import path from 'node:path';
import { CheckpointError } from '../core/errors.js';
import { decodeSafetensors, type NamedTensor } from '../nn/formats/safetensors.js';
import { openStore, sha256 } from '../storage/index.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type CheckpointManifest, type LoadedCheckpoint, CHECKPOINT_PARTS } from '../checkpoints/manifest.js';
import { type NetworkConfig, recordedSettings, resolveNetworkConfig } from '../gan/config.js';
import { newestVerified, readManifest, readPart, type Warn } from '../checkpoints/reader.js';
import { isNetworkFamily } from '../gan/networks/registry.js';
import { readWeights } from './import.js';
import type { NetworkName } from './network-weights.js';

/** Imported weights of a store are at `weights/<name>/`. */
export const WEIGHTS_PREFIX = 'weights/';

/** The object that weights were read from; a name may resolve to another one later. */
export interface SourceIdentity {
  /** Key or key prefix in the store, or an address outside of it. */
  address: string;
  /** Of the manifest, or of the file. */
  sha256: string;
}

export interface SourceWeights {
  /** Their resolved address, for display. */
  from: string;
  identity: SourceIdentity;
  /** Thousands of images that they were trained on; 0 if unknown. */
  kimg: number;
  config: NetworkConfig;
  classes: CheckpointManifest['classes'];
  /** By the names of state dicts; a network that the source lacks is absent. */
  networks: Partial<Record<NetworkName, Record<string, NamedTensor>>>;
  /** The official snapshot itself, if the source is or contains one. */
  official?: Uint8Array;
}

const PARTS_OF: Record<string, NetworkName> = {
  [CHECKPOINT_PARTS.generator]: 'G',
  [CHECKPOINT_PARTS.discriminator]: 'D',
  [CHECKPOINT_PARTS.generatorEma]: 'G_ema',
};

/**
 * Finds weights by a run's id (its newest intact checkpoint), the key of a checkpoint or of
 * imported weights in the store, a name under `weights/`, the address of a folder with a
 * manifest.json, or that of a .pkl, .safetensors or .pth file.
 *
 * @throws CheckpointError when there are none, or they are corrupt, malicious, or of an unsupported
 *   architecture
 */
export async function openWeights(store: ObjectStore, address: string, warn: Warn): Promise<SourceWeights> {
  const inStore = address.startsWith(store.uri) ? address.slice(store.uri.length) : address;
  if (isFile(inStore)) return fromFile(store, inStore);
  if (isElsewhere(inStore)) return fromFolder(store, inStore, address);
  const prefix = inStore.endsWith('/') ? inStore : `${inStore}/`;
  if (!prefix.slice(0, -1).includes('/')) {
    const newest = await newestVerified(store, prefix.slice(0, -1), warn);
    if (newest) return fromNewest(newest);
    if (await store.head(`${WEIGHTS_PREFIX}${prefix}manifest.json`))
      return fromFolder(store, `${WEIGHTS_PREFIX}${prefix}`, address);
  }
  if (await store.head(`${prefix}manifest.json`)) return fromFolder(store, prefix, address);
  throw new CheckpointError({
    what: 'there is no run, checkpoint or imported weights of this name',
    where: address,
    hint: 'Give the id of a run, runs/<run>/train/<checkpoint>/, the name of imported weights (`gist weights import`), or a folder that holds a manifest.json.',
  });
}

/**
 * Opens the same weights again, by the address that {@link openWeights} resolved.
 *
 * @throws CheckpointError when they have been deleted or changed
 */
export async function reopenWeights(
  store: ObjectStore,
  { address, sha256 }: SourceIdentity,
): Promise<SourceWeights> {
  if (isFile(address) && !isElsewhere(address) && !(await store.head(address)))
    throw new CheckpointError({ what: 'has been deleted', where: address });
  const source = isFile(address) ? await fromFile(store, address) : await fromFolder(store, address, address);
  if (source.identity.sha256 === sha256) return source;
  throw new CheckpointError({ what: 'has been changed', where: address });
}

function isFile(address: string): boolean {
  return /\.(pkl|safetensors|pth?)$/i.test(address);
}

/** Whether an address is outside of the store: a URI or a path. */
function isElsewhere(address: string): boolean {
  return address.includes('://') || path.isAbsolute(address) || address.startsWith('.');
}

async function fromFile(store: ObjectStore, address: string): Promise<SourceWeights> {
  const slash = address.lastIndexOf('/');
  const [folder, file] = [address.slice(0, slash + 1), address.slice(slash + 1)];
  const bytes = isElsewhere(address)
    ? await openStore(folder === '' ? '.' : folder).get(file)
    : await store.get(address);
  const { config, networks, format } = readWeights(bytes, file);
  const own = Object.entries(networks).map(([name, { tensors }]) => [name, tensors] as const);
  return {
    from: address,
    identity: { address, sha256: sha256(bytes) },
    kimg: 0,
    config,
    classes: null,
    networks: Object.fromEntries(own),
    ...(format === 'official snapshot' && { official: bytes }),
  };
}

/** Uses the parts that were already read, because the run may delete them at any time. */
function fromNewest({ ref, manifest, parts, manifestSha256 }: LoadedCheckpoint): SourceWeights {
  const identity = { address: ref.prefix, sha256: manifestSha256 };
  return { ...read(manifest, parts, ref.prefix), identity };
}

/** A folder with a manifest, in the store or elsewhere. */
async function fromFolder(given: ObjectStore, address: string, from: string): Promise<SourceWeights> {
  const elsewhere = isElsewhere(address);
  const [store, prefix] = elsewhere ? [openStore(address), ''] : [given, address];
  const manifest = await readManifest(store, prefix);
  const identity = { address, sha256: sha256(await store.get(`${prefix}manifest.json`)) };
  const parts: Record<string, Uint8Array> = {};
  for (const name of [...Object.keys(PARTS_OF), CHECKPOINT_PARTS.official]) {
    const part = manifest.parts[name];
    // An older snapshot has the average only.
    if (part && (await store.head(`${prefix}${part.key}`)))
      parts[name] = await readPart(store, prefix, manifest, name);
  }
  return { ...read(manifest, parts, from), identity };
}

function read(
  manifest: CheckpointManifest,
  parts: Record<string, Uint8Array>,
  from: string,
): Omit<SourceWeights, 'identity'> {
  const { cfg } = manifest.configuration.network;
  if (typeof cfg !== 'string' || !isNetworkFamily(cfg)) {
    throw new CheckpointError({
      what: `is of the architecture ${JSON.stringify(cfg).slice(0, 60)}, which this version does not have`,
      where: from,
      hint: 'Use a checkpoint of another run.',
    });
  }
  const config = resolveNetworkConfig(recordedSettings(manifest.configuration.network));
  const networks: SourceWeights['networks'] = {};
  for (const [part, name] of Object.entries(PARTS_OF)) {
    const bytes = parts[part];
    if (!bytes) continue;
    const tensors = Object.entries(decodeSafetensors(bytes, `${from}${part}`));
    networks[name] = Object.fromEntries(
      tensors.map(([full, tensor]) => [full.slice(name.length + 1), tensor]),
    );
  }
  if (!networks.G && !networks.G_ema) {
    throw new CheckpointError({
      what: 'no longer has the weights of a generator',
      where: from,
      hint: 'Use a newer checkpoint of the run.',
    });
  }
  const official = parts[CHECKPOINT_PARTS.official];
  const { kimg, classes } = manifest;
  return { from, kimg, config, classes, networks, ...(official && { official }) };
}
