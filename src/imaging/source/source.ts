/** Opens the source of images at an address. */
import { openStore, parseUri } from '../../storage/index.js';
import { FolderSource } from './folder-source.js';
import type { ImageSource } from './image-source.js';
import { StoreSource } from './store-source.js';
import { ZipSource } from './zip-source.js';

/**
 * Opens the source at a path, `file:///` or `s3://` address. A name ending in .zip is an archive.
 * Nothing is read yet.
 *
 * @throws StoreError for a malformed address.
 */
export function openSource(uri: string): ImageSource {
  const location = parseUri(uri);
  const isZip = /\.zip\/?$/i.test(uri);
  if (location.scheme === 'file')
    return isZip ? new ZipSource(uri, location.path) : new FolderSource(uri, location.path);
  if (!isZip) return new StoreSource(uri, openStore(uri));
  const key = location.prefix.slice(0, -1);
  return new ZipSource(uri, { store: openStore(`s3://${location.bucket}/`), key });
}
