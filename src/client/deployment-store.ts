/** The object store of the deployment that a command works with. */
import { environment } from '../core/environment.js';
import { openStore, type ObjectStore } from '../storage/index.js';
import { embeddedParts } from './stack/parts.js';

/** null when no store is named and the embedded one was never started. */
export function deploymentStore(): ObjectStore | null {
  const isNamed = environment.s3Endpoint() !== undefined || !embeddedParts().includes('s3');
  return isNamed ? openStore(environment.storeUri()) : null;
}
