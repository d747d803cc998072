/** When a workflow must continue with a new history. */
import { workflowInfo } from '@temporalio/workflow';

/** The server refuses more than 50,000 events; replays of this many take seconds. */
const HISTORY_EVENTS = 8_000;

/** @param events history events after which it is long */
export function historyIsLong(events = HISTORY_EVENTS): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return historyLength > events || continueAsNewSuggested;
}
