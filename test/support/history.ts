/** Reading histories that the Temporal command line wrote, for replay. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

/** What replay takes, as far as tests look at it. */
export interface RecordedHistory {
  events: {
    eventType: number;
    workflowExecutionStartedEventAttributes?: { workflowType: { name: string }; workflowId: string };
  }[];
}

interface ProtoJson {
  fromJson(type: unknown, json: unknown, options: object): RecordedHistory;
}

interface ProtoTypes {
  patchProtobufRoot(root: unknown): { lookupType(name: string): unknown };
}

/**
 * A history from its JSON file. The SDK's own reader fails when npm installs protobufjs once per
 * SDK package, as the lockfile has it: a message type is then no `Type` of the reader's copy. So
 * the copy is used that the message types belong to.
 */
export function readHistory(file: string): RecordedHistory {
  const fromHere = createRequire(import.meta.url);
  const fromProto = createRequire(fromHere.resolve('@temporalio/proto'));
  const { fromJson } = fromProto('protobufjs/ext/protojson') as ProtoJson;
  const types = fromHere('@temporalio/proto/lib/patch-protobuf-root') as ProtoTypes;
  const history = types
    .patchProtobufRoot(fromHere('@temporalio/proto'))
    .lookupType('temporal.api.history.v1.History');
  return fromJson(history, JSON.parse(readFileSync(file, 'utf8')), { ignoreUnknownFields: true });
}
