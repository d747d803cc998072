/** How a batch can be worked off: in rounds of fewer images, among which the discriminator still has some to compare. */
import type { z } from 'zod';

/**
 * Images whose deviation the discriminator measures together: at most four, and a divisor of the minibatch (Karras et al. 2018,
 * section 3). 1: there is nothing to compare, and the deviation says nothing.
 */
export function groupSize(images: number): number {
  return [4, 3, 2].find((size) => images % size === 0) ?? 1;
}

/** Images that a round may have: divisors of the batch that make groups, in order, the whole batch last. */
export function roundSizes(batch: number): number[] {
  return Array.from({ length: batch }, (_, i) => i + 1).filter(
    (size) => batch % size === 0 && groupSize(size) > 1,
  );
}

interface Batch {
  engine: string;
  batch: number;
  batchGpu: 'auto' | number;
  stylegan3: { gpus: number };
}

/** Batches without groups, and rounds that do not make up the batch. */
export function refuseBatch(train: Batch, context: z.core.$RefinementCtx): void {
  const found = refusal(train);
  if (found) context.addIssue({ code: 'custom', path: [found[0]], message: found[1] });
}

const GROUPS = 'the discriminator compares images in groups of 4, 3 or 2, and these must come out even';

/** Images a step, and so images a round, at most. */
export const LARGEST_BATCH = 4096;

/** What is out of range by itself has been refused as such. */
function isInRange(images: number, least: number): boolean {
  return Number.isInteger(images) && images >= least && images <= LARGEST_BATCH;
}

function refusal({ engine, batch, batchGpu, stylegan3 }: Batch): [key: string, message: string] | null {
  const gpus = engine === 'stylegan3' ? stylegan3.gpus : 1;
  if (!isInRange(batch, 2) || !isInRange(gpus, 1)) return null;
  if (batchGpu !== 'auto' && !isInRange(batchGpu, 1)) return null;
  const share = batch / gpus;
  if (!Number.isInteger(share)) return ['batch', `must be a multiple of stylegan3.gpus, ${gpus}`];
  const sizes = roundSizes(share);
  if (sizes.length === 0) {
    const fewer = gpus > 1 ? ', or stylegan3.gpus fewer' : '';
    return ['batch', `must be ${batchesNear(share, gpus)}${fewer}: ${GROUPS}`];
  }
  if (batchGpu === 'auto' || sizes.includes(batchGpu)) return null;
  const nearest = [sizes.findLast((size) => size < batchGpu), sizes.find((size) => size > batchGpu)];
  const good = nearest.filter((size) => size !== undefined).join(' or ');
  const whole = gpus === 1 ? 'the batch' : "a GPU's share of the batch";
  const because = share % batchGpu === 0 ? GROUPS : `rounds of it must make up ${whole}, ${share}`;
  return ['batchGpu', `must be ${good}: ${because}`];
}

function batchesNear(share: number, gpus: number): string {
  const shares = [share - 1, share + 1].filter((images) => images > 0 && groupSize(images) > 1);
  return shares.map((images) => images * gpus).join(' or ');
}
