/** Returns the memory of large buffers, which the engine would keep until its own heap is full. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Such files have tens of megabytes of pixels; a collection takes a few milliseconds. */
const LARGE_BYTES = 2 ** 20;

let collect: (() => void) | undefined;

/** Call between two files, when nothing of the first is used any more. */
export function releaseAfter(fileBytes: number): void {
  if (fileBytes < LARGE_BYTES) return;
  collect ??= collector();
  collect();
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
