/** What a failed S3 request means for the one who asked. */
import { GistError, PreconditionFailedError, StoreError, StoreUnavailableError } from '../core/errors.js';
import { errorCode } from './file-errors.js';

/** The members of an SDK error that a verdict may rest on; its message may quote a server's text and is not passed on. */
interface RequestFailure {
  name: string;
  status: number | undefined;
  code: string | undefined;
}

function failureOf(error: unknown): RequestFailure {
  const { name, Code, $metadata } = (error ?? {}) as {
    name?: string;
    Code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  return { name: Code ?? name ?? 'Error', status: $metadata?.httpStatusCode, code: errorCode(error) };
}

/** Whether a request failed because there is no such object (a HEAD answer has no more to say than 404). */
export function isNotFound(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return name !== 'NoSuchBucket' && (name === 'NoSuchKey' || name === 'NotFound' || status === 404);
}

/** Whether a condition of a put did not hold. */
export function isPreconditionFailed(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return status === 412 || name === 'PreconditionFailed';
}

/** Whether a multipart upload is no more: it was completed in a request whose answer got lost, or thrown away. */
export function isUploadGone(error: unknown): boolean {
  return failureOf(error).name === 'NoSuchUpload';
}

const KEYS =
  'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE), and that they may use this bucket.';
const CREDENTIALS: Record<string, string> = {
  InvalidAccessKeyId: 'the access key is not known to the server',
  SignatureDoesNotMatch: 'the secret access key is wrong',
  AccessDenied: 'access is denied',
  ExpiredToken: 'the session token has expired',
  InvalidToken: 'the session token is not valid',
  CredentialsProviderError: 'no credentials were found',
};
const PASSING = [
  'SlowDown',
  'RequestTimeout',
  'TimeoutError',
  'Throttling',
  'ThrottlingException',
  'ConditionalRequestConflict',
  'OperationAborted',
];

/**
 * The GIST error for an S3 failure; errors that have nothing to do with a request come back as they are.
 *
 * @param where key or address of what was asked for.
 * @param bucket named when it is the bucket that is missing.
 * @param endpoint host of the server, for the one who has to check it.
 */
export function classifyS3Error(error: unknown, where: string, bucket: string, endpoint: string): unknown {
  if (error instanceof GistError) return error;
  const { name, status, code } = failureOf(error);
  if (isPreconditionFailed(error)) {
    return new PreconditionFailedError({ what: 'has been written by somebody else', where, cause: error });
  }
  if (name === 'NoSuchBucket') return missingBucket(bucket, endpoint, error);
  const credentials =
    CREDENTIALS[name] ?? (status === 401 || status === 403 ? 'access is denied' : undefined);
  if (credentials !== undefined) {
    return new StoreError({
      what: `${credentials} (bucket "${bucket}" at ${endpoint})`,
      where,
      hint: KEYS,
      cause: error,
    });
  }
  if (isUploadGone(error)) return unavailable(error, where, endpoint);
  if (isNotFound(error)) {
    return new StoreError({
      what: 'does not exist',
      where,
      hint: 'Check the address and the key.',
      cause: error,
    });
  }
  if (code === 'ERR_INVALID_URL' || (status !== undefined && status >= 300 && status < 400)) {
    return new StoreError({
      what: `the server address does not work (${endpoint}${status ? `, answer ${status}` : ''})`,
      where,
      hint: 'Check AWS_ENDPOINT_URL and AWS_REGION.',
      cause: error,
    });
  }
  if (
    status !== undefined &&
    status >= 400 &&
    status < 500 &&
    status !== 408 &&
    status !== 429 &&
    !PASSING.includes(name)
  ) {
    return new StoreError({
      what: `the server refuses the request (${name}, ${status})`,
      where,
      hint: 'Look into the log of the server.',
      cause: error,
    });
  }
  if (status === undefined && code === undefined && !PASSING.includes(name) && !isTransport(error))
    return error;
  return unavailable(error, where, endpoint);
}

/** The server answered, yet not as an S3 server does, or the answer was cut or altered on its way. */
function isTransport(error: unknown): boolean {
  const { message } = (error ?? {}) as { message?: string };
  return /checksum|deserializ|aborted|socket|premature|stream/i.test(message ?? '');
}

function unavailable(error: unknown, where: string, endpoint: string): StoreUnavailableError {
  const { name, status, code } = failureOf(error);
  const detail = status !== undefined && status >= 400 ? `${name}, ${status}` : (code ?? name);
  return new StoreUnavailableError({
    what: `the object store at ${endpoint} does not answer as it should (${detail})`,
    where,
    hint: 'Check that the server is up and that AWS_ENDPOINT_URL names it; the work goes on by itself when it answers.',
    cause: error,
  });
}

export function missingBucket(bucket: string, endpoint: string, cause?: unknown): StoreError {
  return new StoreError({
    what: `there is no bucket "${bucket}" at ${endpoint}`,
    where: `s3://${bucket}/`,
    hint: 'Make the bucket, or name another one.',
    cause,
  });
}
