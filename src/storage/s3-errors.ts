/** Maps errors of S3 requests to errors of GIST. */
import {
  GistError,
  PreconditionFailedError,
  StoreAccessError,
  StoreError,
  StoreUnavailableError,
} from '../core/errors.js';
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

/** Why the server does not serve this machine. */
interface Refusal {
  what: string;
  /** Names the variable or setting that ends it. */
  hint: string;
  /** Whether it ends by itself once somebody renews the credentials or sets the clock. */
  ends?: true;
}

const RENEW_HINT =
  'Renew the credentials in the file of the profile (AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE) or of AWS_WEB_IDENTITY_TOKEN_FILE, which is read again; where AWS_SESSION_TOKEN is set, restart the worker with a new one.';
const EXPIRED: Refusal = { what: 'the session token has expired', hint: RENEW_HINT, ends: true };
const INVALID_TOKEN: Refusal = { what: 'the session token is not valid', hint: RENEW_HINT, ends: true };
const WRONG_CLOCK: Refusal = {
  what: "this machine's clock differs from the server's by too much",
  hint: 'Set the clock of this machine, for example with NTP.',
  ends: true,
};
const NO_CREDENTIALS: Refusal = {
  what: 'no credentials were found',
  hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE and the file that it names.',
  ends: true,
};
const DENIED: Refusal = {
  what: 'access is denied',
  hint: 'Allow the user of AWS_ACCESS_KEY_ID (or AWS_PROFILE) to list, read, write and delete in this bucket.',
};
const WRONG_SECRET: Refusal = {
  what: 'the secret access key is wrong',
  hint: 'Check AWS_SECRET_ACCESS_KEY, or the file that AWS_PROFILE names.',
};
const UNKNOWN_KEY: Refusal = {
  what: 'the access key is not known to the server',
  hint: 'Check AWS_ACCESS_KEY_ID, or the file that AWS_PROFILE names.',
};
const ENCRYPTION: Refusal = {
  what: "the key that encrypts the bucket's objects cannot be used",
  hint: 'Enable the KMS key of the bucket, and allow the user of AWS_ACCESS_KEY_ID (or AWS_PROFILE) to use it.',
};

const REFUSALS: Record<string, Refusal> = {
  AccessDenied: DENIED,
  AccessDeniedException: DENIED,
  AllAccessDisabled: DENIED,
  AccountProblem: DENIED,
  InvalidAccessKeyId: UNKNOWN_KEY,
  UnrecognizedClientException: UNKNOWN_KEY,
  SignatureDoesNotMatch: WRONG_SECRET,
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  InvalidToken: INVALID_TOKEN,
  InvalidIdentityToken: INVALID_TOKEN,
  RequestTimeTooSkewed: WRONG_CLOCK,
  RequestExpired: WRONG_CLOCK,
  CredentialsProviderError: NO_CREDENTIALS,
  TokenProviderError: NO_CREDENTIALS,
};

const THROTTLING = /throttl|slow_?down|too_?many_?requests|limit_?exceeded|busy/i;
const TRANSIENT_NAMES = [
  'RequestTimeout',
  'TimeoutError',
  'ConditionalRequestConflict',
  'OperationAborted',
  'InternalError',
  'ServiceUnavailable',
];

function isTransient({ name, status = 0 }: RequestFailure): boolean {
  // 501: a request that this server does not know, now or later.
  if ((status >= 500 && status !== 501) || status === 408 || status === 429) return true;
  return TRANSIENT_NAMES.includes(name) || THROTTLING.test(name);
}

function refusalOf({ name, status }: RequestFailure): Refusal | undefined {
  if (REFUSALS[name]) return REFUSALS[name];
  if (/^KMS/.test(name)) return ENCRYPTION;
  return status === 401 || status === 403 ? DENIED : undefined;
}

/** Whether other credentials, or a right clock, may end the failure of a request. */
export function isRefusal(error: unknown): boolean {
  const failure = failureOf(error);
  return !isTransient(failure) && refusalOf(failure) !== undefined;
}

/**
 * Whether an error of a store ends by itself once credentials are renewed or the clock is set: for
 * these a long work waits.
 */
export function endsByRenewal(error: unknown): boolean {
  return error instanceof StoreAccessError && refusalOf(failureOf(error.cause))?.ends === true;
}

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
  const failure = failureOf(error);
  const { name, status, code } = failure;
  if (isPreconditionFailed(error)) {
    return new PreconditionFailedError({ what: 'has been written by another writer', where, cause: error });
  }
  if (name === 'NoSuchBucket') return missingBucket(bucket, endpoint, error);
  if (isTransient(failure) || isUploadGone(error)) return unavailable(error, where, endpoint);
  const refusal = refusalOf(failure);
  if (refusal) {
    const what = `${refusal.what} (bucket "${bucket}" at ${endpoint})`;
    return new StoreAccessError({ what, where, hint: refusal.hint, cause: error });
  }
  if (isNotFound(error)) {
    const hint = 'Check the address and the key.';
    return new StoreError({ what: 'does not exist', where, hint, cause: error });
  }
  if (code === 'ERR_INVALID_URL' || (status !== undefined && status >= 300 && status < 400)) {
    return new StoreAccessError({
      what: `the server address does not work (${endpoint}${status ? `, status ${status}` : ''})`,
      where,
      hint: 'Check AWS_ENDPOINT_URL and AWS_REGION.',
      cause: error,
    });
  }
  if (status !== undefined && status >= 400) {
    return new StoreAccessError({
      what: `the server at ${endpoint} rejects the request (${name}, ${status})`,
      where,
      hint: 'Check that AWS_ENDPOINT_URL is the address of an S3 server, and its log.',
      cause: error,
    });
  }
  if (status === undefined && code === undefined && !isTransportError(error)) return error;
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

export function missingBucket(bucket: string, endpoint: string, cause?: unknown): StoreAccessError {
  return new StoreAccessError({
    what: `there is no bucket "${bucket}" at ${endpoint}`,
    where: `s3://${bucket}/`,
    hint: 'Create the bucket, or name another one (GIST_STORE); check that AWS_ENDPOINT_URL is the right server.',
    cause,
  });
}
