/** What is known of the weights of classifiers on this machine; does not need TensorFlow. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { environment } from '../../core/environment.js';
import { SetupError } from '../../core/errors.js';
import type { ClassifierName } from '../../nn/classifiers/index.js';

const recordSchema = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Name of the file that was imported. */
  file: z.string(),
  /** Whether the digest is that of published weights. */
  published: z.boolean(),
});
export type ClassifierRecord = z.output<typeof recordSchema>;

/** Where a network's `weights`, or their record (`json`), are kept. */
export function classifierPath(name: ClassifierName, ending: 'weights' | 'json'): string {
  return path.join(environment.dataCacheFolder(), 'classifiers', `${name}.${ending}`);
}

/** What is known of the weights of a network. @throws SetupError when they were not imported */
export async function classifierRecord(name: ClassifierName): Promise<ClassifierRecord> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(classifierPath(name, 'json'), 'utf8')));
  } catch (cause) {
    throw new SetupError({
      what: `the weights of ${name} are not on this machine`,
      where: classifierPath(name, 'json'),
      hint: `Run \`gist weights fetch ${name}\`, or \`gist weights import FILE\` with a file that you have. Use \`effnetlite0\`, which set-up installs, otherwise.`,
      cause,
    });
  }
}
