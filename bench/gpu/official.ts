/**
 * The speed of the official trainer, from the checkout that GIST_STYLEGAN3_DIR names. Prints one
 * line of JSON.
 */
import { trainSchema } from '../../src/spec/train.js';
import { runAttempt, withPhantoms } from './short-training.js';

export interface OfficialJob {
  resolution: number;
  images: number;
  kimg: number;
  batch: number;
}

export interface OfficialResult {
  secondsPerKimg: number;
}

/** The first tick compiles kernels: the last one counts. */
function timeOfficial({ kimg, batch, ...phantoms }: OfficialJob): Promise<OfficialResult> {
  return withPhantoms(phantoms, async (place) => {
    const settings = { engine: 'stylegan3', cfg: 'stylegan2', batch, kimg, snapshotKimg: kimg };
    const train = trainSchema.parse({ ...settings, snapshotMetrics: [], stopWhen: null });
    let imagesPerSecond = 0;
    await runAttempt(place, {
      runId: 'official',
      train,
      attempt: 1,
      onEvent: (event) => {
        if (event.type === 'progress' && event.imagesPerSecond > 0) imagesPerSecond = event.imagesPerSecond;
      },
    });
    return { secondsPerKimg: 1000 / imagesPerSecond };
  });
}

console.log = console.error;
const job = JSON.parse(process.argv[2] as string) as OfficialJob;
process.stdout.write(`${JSON.stringify(await timeOfficial(job))}\n`);
process.exit(0);
