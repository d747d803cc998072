/** Whether the namespace of an activity has GIST's search attributes. */
import { Context } from '@temporalio/activity';
import { SEARCH_ATTRIBUTES } from '../spec/search-attributes.js';

/** false also where the server does not allow to ask: a run does not depend on them. */
export async function hasSearchAttributes(): Promise<boolean> {
  const { client, info } = Context.current();
  const request = { namespace: info.workflowNamespace ?? 'default' };
  try {
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes(request);
    return Object.keys(SEARCH_ATTRIBUTES).every((name) => name in (customAttributes ?? {}));
  } catch {
    return false;
  }
}
