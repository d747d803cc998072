/** `gist weights fetch`, and `gist weights import` of classifier networks. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { Presets, SingleBar } from 'cli-progress';
import { environment } from '../../core/environment.js';
import { CheckpointError, UsageError } from '../../core/errors.js';
import type { Progress } from '../../core/progress.js';
import { makeScratchFolder } from '../../core/scratch.js';
import type { ClassifierName } from '../../nn/classifiers/index.js';
import { printNotice, printResult, table } from '../terminal.js';

/** A file of weights and its name. */
export interface WeightsBytes {
  file: string;
  bytes: Uint8Array;
}

/** Reads a file, or downloads it from an http(s) address. */
export async function readWeightsBytes(address: string): Promise<WeightsBytes> {
  if (/^https?:\/\//i.test(address)) return downloadWeights(address);
  try {
    return { file: path.basename(address), bytes: await readFile(address) };
  } catch (cause) {
    throw new CheckpointError({ what: 'cannot be read', where: address, hint: 'Check the path.', cause });
  }
}

async function downloadWeights(address: string): Promise<WeightsBytes> {
  const { download } = await import('../../weights/classifiers/index.js');
  const file = path.posix.basename(new URL(address).pathname);
  const bar = new SingleBar(
    { format: '{bar} {percentage}% {file}', stream: process.stderr, noTTYOutput: false },
    Presets.shades_classic,
  );
  const folder = await makeScratchFolder('weights');
  bar.start(1, 0, { file });
  try {
    const target = path.join(folder, 'download');
    await download(address, target, ({ done, total }: Progress) => {
      if (total !== undefined) bar.setTotal(total);
      bar.update(done);
    });
    return { file, bytes: await readFile(target) };
  } finally {
    bar.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Downloads the published weights of a network and keeps them. Another digest is refused, or told
 * if the user has named a mirror.
 */
export async function fetchWeights(name: string, { json }: { json?: boolean }): Promise<void> {
  const { CLASSIFIERS } = await import('../../nn/classifiers/index.js');
  if (!Object.hasOwn(CLASSIFIERS, name))
    throw new UsageError({
      what: `there are no published weights of "${name.slice(0, 60)}"`,
      hint: `Name one of ${Object.keys(CLASSIFIERS).join(', ')}.`,
    });
  const network = name as ClassifierName;
  const { hasPublishedDigest, isPublished, publishedAddress } = await import(
    '../../weights/classifiers/index.js'
  );
  const { sha256 } = await import('../../storage/digest.js');
  const address = publishedAddress(network);
  const { file, bytes } = await downloadWeights(address);
  const isChecked = environment.weightsUrl() === undefined && hasPublishedDigest(network);
  if (isChecked && !isPublished(network, sha256(bytes)))
    throw new CheckpointError({
      what: `has the SHA-256 ${sha256(bytes)}, which is not that of the published weights of ${name}; it was not kept`,
      where: address,
      hint: 'Try again. If you trust this file, download it by other means and give it to `gist weights import`.',
    });
  await keep(network, { file, bytes }, json);
}

/**
 * Keeps a file of weights if it has the parameters of a classifier network.
 *
 * @returns false for files of other networks
 */
export async function importClassifier(
  weights: WeightsBytes,
  { as, json }: { as?: string | undefined; json?: boolean | undefined },
): Promise<boolean> {
  const { CLASSIFIERS } = await import('../../nn/classifiers/index.js');
  if (as !== undefined && !Object.hasOwn(CLASSIFIERS, as))
    throw new UsageError({
      what: `there is no network "${as.slice(0, 60)}"`,
      where: '--as',
      hint: `Name one of ${Object.keys(CLASSIFIERS).join(', ')}.`,
    });
  const network = (as as ClassifierName | undefined) ?? (await networkOf(weights));
  if (network === null) return false;
  await keep(network, weights, json);
  return true;
}

async function networkOf({ bytes, file }: WeightsBytes): Promise<ClassifierName | null> {
  const { findClassifier } = await import('../../weights/classifiers/index.js');
  const { readStateDict, stateDictFormat } = await import('../../weights/state-dict.js');
  return stateDictFormat(bytes) === null ? null : findClassifier(readStateDict(bytes, file));
}

async function keep(
  name: ClassifierName,
  { bytes, file }: WeightsBytes,
  json: boolean | undefined,
): Promise<void> {
  const { keepClassifier } = await import('../../weights/classifiers/index.js');
  const { sha256, published } = await keepClassifier(name, bytes, file);
  if (!published)
    printNotice(
      `Warning: the digest of ${file} is not that of published weights of ${name}. Values on its features are not comparable with publications.`,
    );
  const rows = [
    ['network', name],
    ['sha256', sha256],
    ['published', published ? 'yes' : 'no'],
  ];
  printResult(
    json,
    { network: name, file, sha256, published },
    `${table(rows)}\n\nCompare images:     gist metrics --real REAL --fake FAKE --extractor ${name}\nEvaluate runs:      evaluate.extractor: ${name}`,
  );
}
