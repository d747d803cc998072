/** Returns the memory of buffers, which the engine would keep until its own heap is full. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Such files have tens of megabytes of pixels; a collection takes a few milliseconds. */
const LARGE_BYTES = 2 ** 20;
/** Buffers of this size together are worth a collection of young objects, a tenth as long. */
const PART_BYTES = 4 * 2 ** 20;

type Collect = (options?: { type: 'minor' }) => void;

let collect: Collect | undefined;
let parts = 0;

/** Call between two files, when nothing of the first is used any more. */
export function releaseAfter(fileBytes: number): void {
  if (fileBytes < LARGE_BYTES) return;
  collect ??= collector();
  collect();
}

/** Call for each part of an image that was worked on, when it is not used any more. */
export function releasePart(bytes: number): void {
  parts += bytes;
  if (parts < PART_BYTES) return;
  parts = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

function collector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
