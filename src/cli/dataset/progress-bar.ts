/** Progress of work in this process: a bar on a terminal, nothing elsewhere. */
import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../../core/progress.js';

/** Runs work and shows its progress on standard error. */
export async function withBar<Result>(work: (onProgress: (progress: Progress) => void) => Promise<Result>) {
  const bar = new SingleBar(
    {
      format: '{bar} {value}/{total} {unit}',
      stream: process.stderr,
      noTTYOutput: false,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  let unit = '';
  const onProgress = (progress: Progress) => {
    const total = progress.total ?? progress.done;
    // A new unit is a new piece of work.
    if (progress.unit !== unit) bar.start(total, progress.done, { unit: progress.unit });
    unit = progress.unit;
    bar.setTotal(total);
    bar.update(progress.done, { unit });
  };
  try {
    return await work(onProgress);
  } finally {
    bar.stop();
  }
}
