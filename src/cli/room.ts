/** Disk space that a run needs in the embedded store, checked before it starts. */
import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { embeddedParts } from '../client/stack/parts.js';
import { environment } from '../core/environment.js';
import { SetupError } from '../core/errors.js';
import type { PipelineSpec } from '../spec/pipeline.js';
import { freeBytes } from '../storage/disk-space.js';
import { parseUri } from '../storage/uri.js';
import { printNotice } from './terminal.js';

/** Needs above this are told, also where there is enough. */
const TOLD_BYTES = 1e9;

/**
 * Counts images without compression, which no PNG exceeds by much; checkpoints are not counted.
 *
 * @throws SetupError when the disk has less space than the images need
 */
export async function checkRoom(spec: PipelineSpec): Promise<void> {
  if (!embeddedParts().includes('s3')) return;
  const needed = await neededBytes(spec);
  const folder = environment.stateFolder();
  const free = (await freeBytes(folder)) ?? Number.POSITIVE_INFINITY;
  const statement = `the images of this run need up to ${gigabytes(needed)} on the disk of ${folder}, and ${gigabytes(free)} are free`;
  if (free < needed)
    throw new SetupError({
      what: statement,
      hint: 'Free some space, set GIST_HOME to a folder on a larger disk, or lower preprocess.limit or generate.count.',
    });
  if (needed > TOLD_BYTES) printNotice(`Space: ${statement}.`);
}

async function neededBytes({ stages, preprocess, generate }: PipelineSpec): Promise<number> {
  if (!preprocess) return 0;
  const pixels = preprocess.resolution ** 2 * (preprocess.color === 'rgb' ? 3 : 1);
  const found = stages.includes('preprocess') ? await countFiles(preprocess.source) : 0;
  const images = Math.min(found, preprocess.limit ?? found) * (preprocess.mirror ? 2 : 1);
  const synthetic = stages.includes('generate') ? generate.count : 0;
  return pixels * (images + synthetic);
}

/** Files in a local folder; 0 for other sources, whose images are not known yet. */
async function countFiles(source: string): Promise<number> {
  const location = parseUri(source);
  if (location.scheme === 's3' || !statSync(location.path).isDirectory()) return 0;
  const entries = await readdir(location.path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 0)} GB`;
}
