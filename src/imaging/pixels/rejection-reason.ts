/** Why an image is rejected. */
import { ImageError } from '../../core/errors.js';

/** What is wrong, and the hint. @throws any error that is not of the image */
export function rejectionReason(error: unknown): string {
  if (!(error instanceof ImageError)) throw error;
  return [error.what, error.hint].filter(Boolean).join('. ');
}
