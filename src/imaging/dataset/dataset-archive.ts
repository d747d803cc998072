/** Random access to the images of one shard. */
import { ArchiveError } from '../../core/errors.js';
import { openRandomAccess } from '../source/random-access.js';
import { readPackedBytes, readZipDirectory } from '../source/zip-directory.js';

export interface Shard {
  /** File names in the order in which they were written. */
  readonly names: string[];
  /** Reads the PNG file of an image. @throws ArchiveError when it is missing or truncated. */
  read(name: string): Promise<Uint8Array>;
}

/**
 * Opens a shard on the local disk. Nothing is unpacked, and the shard does not have to be closed.
 *
 * @throws ArchiveError when the shard is corrupt.
 */
export async function openShard(file: string): Promise<Shard> {
  const access = await openRandomAccess(file, file);
  const { entries } = await readZipDirectory(access, file);
  const read = async (name: string) => {
    const entry = entries.get(name);
    if (entry?.method !== 0)
      throw new ArchiveError({ what: `contains no stored image "${name}"`, where: file });
    const png = await readPackedBytes(access, entry);
    if (!png) throw new ArchiveError({ what: `contains a truncated image "${name}"`, where: file });
    return png;
  };
  return { names: [...entries.keys()], read };
}
