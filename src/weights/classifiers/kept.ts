/**
 * Weights of classifier networks that were imported on this machine: the files as they were
 * published, and what is known of them.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { environment } from '../../core/environment.js';
import { CheckpointError, SetupError } from '../../core/errors.js';
import {
  CLASSIFIERS,
  checkedState,
  type ClassifierName,
  stateDifference,
} from '../../nn/classifiers/index.js';
import type { NamedTensor } from '../../nn/formats/safetensors.js';
import { sha256 } from '../../storage/digest.js';
import { readStateDict } from '../state-dict.js';
import { isPublished } from './published.js';

const recordSchema = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Name of the file that was imported. */
  file: z.string(),
  /** Whether the digest is that of published weights. */
  published: z.boolean(),
});
export type ClassifierRecord = z.output<typeof recordSchema>;

function pathOf(name: ClassifierName, ending: string): string {
  return path.join(environment.dataCacheFolder(), 'classifiers', `${name}.${ending}`);
}

/** The network whose parameters a state dict has; null if there is none. */
export function findClassifier(state: Record<string, NamedTensor>): ClassifierName | null {
  const names = Object.keys(CLASSIFIERS) as ClassifierName[];
  return names.find((name) => stateDifference(CLASSIFIERS[name], state) === null) ?? null;
}

/**
 * Keeps a file of weights for the extractor of this name; replaces the one before.
 *
 * @param file its name, for errors and records
 * @throws CheckpointError when it is corrupt, malicious or of another network
 */
export async function keepClassifier(
  name: ClassifierName,
  bytes: Uint8Array,
  file: string,
): Promise<ClassifierRecord> {
  checkedState(CLASSIFIERS[name], readStateDict(bytes, file), file);
  const digest = sha256(bytes);
  const record: ClassifierRecord = { sha256: digest, file, published: isPublished(name, digest) };
  await mkdir(path.dirname(pathOf(name, 'json')), { recursive: true });
  await replaceFile(pathOf(name, 'weights'), bytes);
  await replaceFile(pathOf(name, 'json'), JSON.stringify(record));
  return record;
}

async function replaceFile(file: string, content: Uint8Array | string): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, content);
  await rename(part, file);
}

/** What is known of the weights of a network. @throws SetupError when they were not imported */
export async function classifierRecord(name: ClassifierName): Promise<ClassifierRecord> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(pathOf(name, 'json'), 'utf8')));
  } catch (cause) {
    throw new SetupError({
      what: `the weights of ${name} are not on this machine`,
      where: pathOf(name, 'json'),
      hint: `Run \`gist weights fetch ${name}\`, or \`gist weights import FILE\` with a file that you have. Use \`effnetlite0\`, which set-up installs, otherwise.`,
      cause,
    });
  }
}

/**
 * The state dict of a network, as it was imported.
 *
 * @throws SetupError when there is none; CheckpointError when it was changed since
 */
export async function classifierState(
  name: ClassifierName,
): Promise<{ state: Record<string, NamedTensor>; where: string }> {
  const record = await classifierRecord(name);
  const where = pathOf(name, 'weights');
  const bytes = await readFile(where).catch(() => new Uint8Array());
  if (sha256(bytes) !== record.sha256)
    throw new CheckpointError({
      what: 'is not the file that was imported',
      where,
      hint: `Import the weights of ${name} again.`,
    });
  return { state: readStateDict(bytes, record.file), where };
}
