/** Checkpoints of a classifier's training: its whole state, and what is known of its loss. */
import { z } from 'zod';
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '../../nn/formats/safetensors.js';
import type { Values } from '../../nn/program/program.js';
import {
  findJson,
  joinKey,
  type ObjectStore,
  partSchema,
  putJson,
  putPart,
  sha256,
} from '../../storage/index.js';

export interface ClassifierCheckpoint {
  /** Steps taken. */
  step: number;
  losses: number[];
  values: Values;
}

const recordSchema = z.object({ step: z.int(), losses: z.array(z.number()), state: partSchema });

/** Written after the state that it names. */
const RECORD = 'checkpoint.json';

/** The state is written before the record that names it: an interrupted write loses nothing. */
export async function writeCheckpoint(
  store: ObjectStore,
  prefix: string,
  { step, losses, values }: ClassifierCheckpoint,
): Promise<void> {
  const tensors = Object.fromEntries(
    Object.entries(values).map(([name, data]): [string, NamedTensor] => [
      name,
      { shape: [data.length], data },
    ]),
  );
  const state = await putPart(store, prefix, stateKey(step), encodeSafetensors(tensors));
  await putJson(store, joinKey(prefix, RECORD), { step, losses, state });
  await removeStates(store, prefix, state.key);
}

/**
 * null without a checkpoint, and for a damaged one: a training from scratch gives the same result.
 */
export async function findCheckpoint(
  store: ObjectStore,
  prefix: string,
): Promise<ClassifierCheckpoint | null> {
  const record = await findJson(store, joinKey(prefix, RECORD), recordSchema);
  if (!record || !(await store.head(joinKey(prefix, record.state.key)))) return null;
  const bytes = await store.get(joinKey(prefix, record.state.key));
  if (sha256(bytes) !== record.state.sha256) return null;
  const tensors = decodeSafetensors(bytes, record.state.key);
  const values = Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));
  return { step: record.step, losses: record.losses, values };
}

/** Of a training that has its result. */
export async function removeCheckpoints(store: ObjectStore, prefix: string): Promise<void> {
  await store.delete(joinKey(prefix, RECORD));
  await removeStates(store, prefix, null);
}

async function removeStates(store: ObjectStore, prefix: string, except: string | null): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list(`${prefix}state-`)) keys.push(key);
  for (const key of keys) if (except === null || key !== joinKey(prefix, except)) await store.delete(key);
}

function stateKey(step: number): string {
  return `state-${String(step).padStart(7, '0')}.safetensors`;
}
