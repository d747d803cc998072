/** The variables of a program as safetensors files, one for each network, and back. */
import type { ProgramDefinition } from '../nn/program/program.js';
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '../nn/formats/safetensors.js';
import { partOfVariable } from './manifest.js';

export type Variables = Record<string, Float32Array>;

/**
 * Parts by name. A variable without a known shape (a step power of an optimizer) is a list of its
 * values.
 */
export function encodeVariables(
  variables: Variables,
  shapes: Record<string, number[]>,
): Record<string, Uint8Array> {
  const groups: Record<string, Record<string, NamedTensor>> = {};
  for (const name of Object.keys(variables).sort()) {
    const data = variables[name] as Float32Array;
    const part = partOfVariable(name);
    const group = groups[part] ?? {};
    group[name] = { shape: shapes[name] ?? shapes[momentOf(name)] ?? [data.length], data };
    groups[part] = group;
  }
  return Object.fromEntries(
    Object.entries(groups).map(([part, tensors]) => [part, encodeSafetensors(tensors)]),
  );
}

/** @throws CheckpointError when a part is malformed. */
export function decodeVariables(parts: Record<string, Uint8Array>): Variables {
  const variables: Variables = {};
  for (const [part, bytes] of Object.entries(parts)) {
    if (!part.endsWith('.safetensors')) continue;
    for (const [name, { data }] of Object.entries(decodeSafetensors(bytes, part))) variables[name] = data;
  }
  return variables;
}

export function shapesOf({ variables }: ProgramDefinition): Record<string, number[]> {
  return Object.fromEntries(Object.entries(variables).map(([name, { shape }]) => [name, shape]));
}

/** `adam.G.m.G.mapping.fc0.weight` -> `G.mapping.fc0.weight`, whose moments have its shape. */
function momentOf(name: string): string {
  return /^adam\.[^.]+\.[mv]\.(.+)$/.exec(name)?.[1] ?? name;
}
