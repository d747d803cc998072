/** Maps errors of file operations to errors of GIST. */
import { GistError, StoreAccessError, StoreError, StoreUnavailableError } from '../core/errors.js';

/** The code of a Node.js system error, such as `ENOENT`; undefined for other errors. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The GIST error for a system error. Other errors are returned unchanged. */
export function classifyFileError(error: unknown, where: string): unknown {
  if (error instanceof GistError) return error;
  switch (errorCode(error)) {
    case undefined:
      return error;
    case 'ENOSPC':
    case 'EDQUOT':
      return new StoreUnavailableError({
        what: 'no space left on the disk',
        where,
        hint: 'Free some space; the run resumes on its own.',
        cause: error,
      });
    case 'ENOENT':
      return new StoreError({
        what: 'does not exist',
        where,
        hint: 'Check the address and the key.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StoreAccessError({
        what: 'cannot be read or written by this user',
        where,
        hint: 'Give the user of this process permission for the folder, mount it writable, or choose another one (GIST_STORE, GIST_DATA_CACHE or TMPDIR).',
        cause: error,
      });
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
    case 'ENOTEMPTY':
      return new StoreError({
        what: 'is a folder where a file is expected, or a file where a folder is expected',
        where,
        hint: 'Choose another folder for the store.',
        cause: error,
      });
    case 'ENAMETOOLONG':
    case 'ELOOP':
      return new StoreError({
        what: 'has a name that the file system rejects',
        where,
        hint: 'Use a shorter name.',
        cause: error,
      });
    default:
      return new StoreUnavailableError({
        what: `file system error ${errorCode(error)}`,
        where,
        hint: 'Check the disk and its quota; the run resumes on its own.',
        cause: error,
      });
  }
}
