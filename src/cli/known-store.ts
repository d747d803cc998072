/** The object store for commands that cannot do without it. */
import { useStack } from '../client/stack/stack.js';
import { StackError } from '../core/errors.js';
import type { ObjectStore } from '../storage/index.js';

/** @throws StackError when no store is named and the embedded one was never started */
export async function knownStore(): Promise<ObjectStore> {
  useStack();
  const { deploymentStore } = await import('../client/deployment-store.js');
  const store = deploymentStore();
  if (store) return store;
  throw new StackError({
    what: 'there is no object store',
    hint: 'Start the embedded one with `gist up`, or name yours in GIST_STORE.',
  });
}
