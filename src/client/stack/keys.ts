/**
 * Keys that close the store's inner ports to others: requests of its servers to each other are
 * signed, and their gRPC connections and the master need the stack's own certificate.
 */
import { createHmac } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { selfSigned } from './certificate.js';
import type { StackFolder, StackState } from './state.js';

/** Longer than a busy or stopped machine may take between signing and receiving. */
const EXPIRES_SECONDS = '600';
const SIGNED = ['JWT_SIGNING', 'JWT_SIGNING_READ', 'JWT_FILER_SIGNING', 'JWT_FILER_SIGNING_READ'];
const ENCRYPTED = ['MASTER', 'VOLUME', 'FILER', 'S3', 'ADMIN', 'WORKER', 'CLIENT'];

/** Variables of SeaweedFS; writes a new certificate, so only before its servers start. */
export function innerKeys(folder: StackFolder, { credentials }: StackState): Record<string, string> {
  const files = { certificate: folder.path('keys', 'inner.pem'), key: folder.path('keys', 'inner-key.pem') };
  const { certificate, key } = selfSigned('gist');
  mkdirSync(folder.path('keys'), { recursive: true, mode: 0o700 });
  writeFileSync(files.certificate, certificate, { mode: 0o600 });
  writeFileSync(files.key, key, { mode: 0o600 });
  const signed = SIGNED.flatMap((name) => [
    [`WEED_${name}_KEY`, createHmac('sha256', credentials.secretAccessKey).update(name).digest('hex')],
    [`WEED_${name}_EXPIRES_AFTER_SECONDS`, EXPIRES_SECONDS],
  ]);
  const encrypted = ENCRYPTED.flatMap((name) => [
    [`WEED_GRPC_${name}_CERT`, files.certificate],
    [`WEED_GRPC_${name}_KEY`, files.key],
  ]);
  return {
    ...Object.fromEntries([...signed, ...encrypted]),
    WEED_GRPC_CA: files.certificate,
    // The master checks no signatures, and gives them away. Its HTTP port is used by nobody.
    WEED_HTTPS_MASTER_CERT: files.certificate,
    WEED_HTTPS_MASTER_KEY: files.key,
    WEED_HTTPS_MASTER_CA: files.certificate,
  };
}
