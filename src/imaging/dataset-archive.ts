/** Random access to the images of one shard. */
import { ArchiveError } from '../core/errors.js';
import { openRandomAccess } from './random-access.js';
import { readZipDirectory } from './zip-directory.js';

const LOCAL_HEADER_BYTES = 30;

export interface Shard {
  /** File names in the order in which they were written. */
  readonly names: string[];
  /** Reads the PNG file of an image. @throws ArchiveError when there is no such image. */
  read(name: string): Promise<Uint8Array>;
}

/**
 * Opens a shard on the local disk. Nothing is unpacked, and the shard does not have to be closed.
 *
 * @throws ArchiveError when the shard is corrupt.
 */
export async function openShard(file: string): Promise<Shard> {
  const access = await openRandomAccess(file, file);
  const entries = await readZipDirectory(access, file);
  const read = async (name: string) => {
    const entry = entries.get(name);
    if (entry?.method !== 0)
      throw new ArchiveError({ what: `contains no stored image "${name}"`, where: file });
    const header = await access.read(entry.offset, LOCAL_HEADER_BYTES);
    return access.read(
      entry.offset + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28),
      entry.bytes,
    );
  };
  return { names: [...entries.keys()], read };
}
