/** Registers the search attributes of runs, and finds out which ones a namespace has. */
import { type Client, isGrpcServiceError } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, type SearchAttributeName } from '../spec/search-attributes.js';

/** As in `temporal.api.enums.v1.IndexedValueType`. */
const TYPES = { KEYWORD: 2, DOUBLE: 4 } as const;
const ALREADY_EXISTS = 6;

/** Registers the attributes that the namespace lacks; idempotent. */
export async function registerSearchAttributes(client: Client): Promise<void> {
  const known = await registeredAttributes(client);
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !known.has(name));
  if (missing.length === 0) return;
  try {
    await client.connection.operatorService.addSearchAttributes({
      namespace: client.options.namespace,
      searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, TYPES[type]])),
    });
  } catch (error) {
    // Another `gist up` was first.
    if (!isGrpcServiceError(error) || error.code !== ALREADY_EXISTS) throw error;
  }
}

/** Names of all attributes of the namespace. */
async function registeredAttributes(client: Client): Promise<Set<string>> {
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
    namespace: client.options.namespace,
  });
  return new Set(Object.keys(customAttributes ?? {}));
}

/** Whether runs can be filtered by an attribute; false where the server does not tell. */
export async function isRegistered(client: Client, name: SearchAttributeName): Promise<boolean> {
  try {
    return (await registeredAttributes(client)).has(name);
  } catch {
    return false;
  }
}
