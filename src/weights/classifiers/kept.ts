/**
 * Weights of classifier networks that were imported on this machine: the files as they were
 * published.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CheckpointError } from '../../core/errors.js';
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
import { classifierPath, type ClassifierRecord, classifierRecord } from './record.js';

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
  await mkdir(path.dirname(classifierPath(name, 'json')), { recursive: true });
  await replaceFile(classifierPath(name, 'weights'), bytes);
  await replaceFile(classifierPath(name, 'json'), JSON.stringify(record));
  return record;
}

async function replaceFile(file: string, content: Uint8Array | string): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, content);
  await rename(part, file);
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
  const where = classifierPath(name, 'weights');
  const bytes = await readFile(where).catch(() => new Uint8Array());
  if (sha256(bytes) !== record.sha256)
    throw new CheckpointError({
      what: 'is not the file that was imported',
      where,
      hint: `Import the weights of ${name} again.`,
    });
  return { state: readStateDict(bytes, record.file), where };
}
