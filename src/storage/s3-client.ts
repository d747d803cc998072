/** Clients of S3 servers, by the standard variables and files of AWS. */
import { S3Client } from '@aws-sdk/client-s3';
import { environment } from '../core/environment.js';
import { StoreError } from '../core/errors.js';

/** A client with the credentials that the environment and the files of profiles have now. */
export function makeClient(
  endpoint: string | undefined,
  maxAttempts: number,
  idleTimeoutMs: number,
): S3Client {
  // Without this, the SDK prints warnings about its Node.js support on the user's terminal.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  // The SDK would otherwise read the files of profiles only once in the life of a process.
  const credentialFiles = { ignoreCache: true };
  return new S3Client({
    ...credentialFiles,
    endpoint,
    region: environment.s3Region(),
    forcePathStyle: endpoint !== undefined,
    maxAttempts,
    followRegionRedirects: true,
    requestHandler: {
      connectionTimeout: Math.min(idleTimeoutMs, 5_000),
      socketTimeout: idleTimeoutMs,
      // Limits the time until the response starts, for servers that send data very slowly.
      requestTimeout: 12 * idleTimeoutMs,
      throwOnRequestTimeout: true,
    },
  });
}

/**
 * Host and port only, since an address may contain a password.
 *
 * @throws StoreError if the address is malformed.
 */
export function hostOf(endpoint: string): string {
  try {
    const { protocol, host } = new URL(endpoint);
    if (['http:', 'https:'].includes(protocol) && host !== '') return host;
  } catch {
    // Reported below, together with addresses of other schemes.
  }
  throw new StoreError({
    what: 'is not the address of an S3 server',
    where: 'AWS_ENDPOINT_URL',
    hint: 'Give http://host:port or https://host.',
  });
}
