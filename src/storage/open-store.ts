/** Opens the store at an address. */
import { FileStore } from './file-store.js';
import type { ObjectStore } from './object-store.js';
import { S3Store, type S3StoreOptions } from './s3-store.js';
import { parseUri } from './uri.js';

/**
 * The store at `s3://bucket/prefix`, `file:///folder` or a plain path. Sends no request yet.
 *
 * @throws StoreError if the address is malformed.
 */
export function openStore(uri: string, options: S3StoreOptions = {}): ObjectStore {
  const location = parseUri(uri);
  return location.scheme === 's3' ? new S3Store(location, options) : new FileStore(location.path);
}
