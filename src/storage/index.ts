/** Public interface of the storage folder. */
export {
  canonicalJson,
  contentKey,
  DigestingStream,
  sha256,
  sha256OfFile,
  sha256OfStream,
} from './digest.js';
export { downloadVerified } from './download.js';
export { findJson, getJson, parseJson, putJson } from './json.js';
export { type ManifestPart, partSchema, partVerifies, putPart } from './manifest.js';
export type { ByteRange, ObjectInfo, ObjectStore, PutBody, PutOptions } from './object-store.js';
export { openStore } from './open-store.js';
export { checkKey, compareKeys, formatUri, joinKey, parseUri, type StoreLocation } from './uri.js';
