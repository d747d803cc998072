/** The reason for which a decoder refused a file, without anything of the file. */
import { ImageError } from '../../core/errors.js';

/** Replaces the decoder's message, which may contain parts of the file, with a fixed reason. */
export function describeDecodeError(error: unknown, where: string | undefined): unknown {
  if (error instanceof ImageError || !(error instanceof Error)) return error;
  const isTruncated =
    /premature|truncat|end of (file|input|stream|image)|unexpected end|not enough|eof|read error/i.test(
      error.message,
    );
  return new ImageError({ what: isTruncated ? 'is truncated' : 'is corrupt', where });
}
