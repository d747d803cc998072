/** Maps errors of S3 requests to errors of GIST. */
import { GistError, PreconditionFailedError, StoreError, StoreUnavailableError } from '../core/errors.js';
import { errorCode } from './file-errors.js';

/**
 * The fields of an SDK error that the classification uses. Its message may quote text of the server
 * and is not passed on.
 */
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

/**
 * Whether a request failed because there is no such object. A HEAD response only has the status
 * 404.
 */
export function isNotFound(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return name !== 'NoSuchBucket' && (name === 'NoSuchKey' || name === 'NotFound' || status === 404);
}

/** Whether a precondition of a put did not hold. */
export function isPreconditionFailed(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return status === 412 || name === 'PreconditionFailed';
}

/**
 * Whether a multipart upload no longer exists: it was aborted, or completed by a request whose
 * response was lost.
 */
export function isUploadGone(error: unknown): boolean {
  return failureOf(error).name === 'NoSuchUpload';
}

const CREDENTIALS_HINT =
  'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE), and their permissions for this bucket.';
const CREDENTIAL_ERRORS: Record<string, string> = {
  InvalidAccessKeyId: 'the access key is not known to the server',
  SignatureDoesNotMatch: 'the secret access key is wrong',
  AccessDenied: 'access is denied',
  ExpiredToken: 'the session token has expired',
  InvalidToken: 'the session token is not valid',
  CredentialsProviderError: 'no credentials were found',
};
const TRANSIENT_NAMES = [
  'SlowDown',
  'RequestTimeout',
  'TimeoutError',
  'Throttling',
  'ThrottlingException',
  'ConditionalRequestConflict',
  'OperationAborted',
];

/**
 * The GIST error for a failed S3 request. Errors that are not caused by a request are returned
 * unchanged.
 *
 * @param where key or address of the requested object.
 * @param bucket name of the bucket, for the message.
 * @param endpoint host of the server, for the message.
 */
export function classifyS3Error(error: unknown, where: string, bucket: string, endpoint: string): unknown {
  if (error instanceof GistError) return error;
  const { name, status, code } = failureOf(error);
  if (isPreconditionFailed(error)) {
    return new PreconditionFailedError({ what: 'has been written by another writer', where, cause: error });
  }
  if (name === 'NoSuchBucket') return missingBucket(bucket, endpoint, error);
  const credentials =
    CREDENTIAL_ERRORS[name] ?? (status === 401 || status === 403 ? 'access is denied' : undefined);
  if (credentials !== undefined) {
    return new StoreError({
      what: `${credentials} (bucket "${bucket}" at ${endpoint})`,
      where,
      hint: CREDENTIALS_HINT,
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
      what: `the server address does not work (${endpoint}${status ? `, status ${status}` : ''})`,
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
    !TRANSIENT_NAMES.includes(name)
  ) {
    return new StoreError({
      what: `the server rejects the request (${name}, ${status})`,
      where,
      hint: 'Check the log of the server.',
      cause: error,
    });
  }
  if (
    status === undefined &&
    code === undefined &&
    !TRANSIENT_NAMES.includes(name) &&
    !isTransportError(error)
  )
    return error;
  return unavailable(error, where, endpoint);
}

/** Whether the response is not a valid S3 response, or was truncated or corrupted in transit. */
function isTransportError(error: unknown): boolean {
  const { message } = (error ?? {}) as { message?: string };
  return /checksum|deserializ|aborted|socket|premature|stream/i.test(message ?? '');
}

function unavailable(error: unknown, where: string, endpoint: string): StoreUnavailableError {
  const { name, status, code } = failureOf(error);
  const detail = status !== undefined && status >= 400 ? `${name}, ${status}` : (code ?? name);
  return new StoreUnavailableError({
    what: `the object store at ${endpoint} is unavailable (${detail})`,
    where,
    hint: 'Check that the server is running and that AWS_ENDPOINT_URL is its address; the run resumes on its own.',
    cause: error,
  });
}

export function missingBucket(bucket: string, endpoint: string, cause?: unknown): StoreError {
  return new StoreError({
    what: `there is no bucket "${bucket}" at ${endpoint}`,
    where: `s3://${bucket}/`,
    hint: 'Create the bucket, or use another one.',
    cause,
  });
}
