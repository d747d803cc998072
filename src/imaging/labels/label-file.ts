/** Reads a CSV or JSON file of labels, in the source or beside it. */
import { DatasetError, GistError } from '../../core/errors.js';
import { openStore, parseUri } from '../../storage/index.js';
import type { ImageSource } from '../source/image-source.js';
import { openRandomAccess } from '../source/random-access.js';

/**
 * The text of a label file. A relative address names a file of the source, by its path or its
 * name, or else a file of this machine.
 *
 * @throws DatasetError when there is no such file, or it is not UTF-8
 */
export async function readLabelFile(source: ImageSource, address: string): Promise<string> {
  const bytes = await readBytes(source, address);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DatasetError({
      what: 'is not a text in UTF-8',
      where: address,
      hint: 'Save it as "CSV UTF-8".',
      cause,
    });
  }
}

async function readBytes(source: ImageSource, address: string): Promise<Uint8Array> {
  const within = source.contents.tables.filter((name) => name === address || name.endsWith(`/${address}`));
  if (within.length === 1) return source.read(within[0] as string);
  const location = parseUri(address);
  try {
    if (location.scheme === 's3') {
      const key = location.prefix.slice(0, -1);
      return await openStore(`s3://${location.bucket}/`).get(key);
    }
    const file = await openRandomAccess(location.path, address);
    return await file.read(0, file.bytes);
  } catch (error) {
    if (!(error instanceof GistError) || error.causeClass === 'world') throw error;
    throw new DatasetError({
      what: within.length > 1 ? 'is more than one file of the source' : 'there is no such file of labels',
      where: address,
      hint: 'Give its path within the source, its absolute path, or its s3:// address.',
      cause: error,
    });
  }
}
