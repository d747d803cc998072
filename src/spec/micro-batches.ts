/**
 * Valid sizes of micro-batches. Each must contain whole groups for the minibatch standard deviation
 * of the discriminator.
 */
import type { z } from 'zod';

/**
 * Group size of the minibatch standard deviation: the largest divisor of the minibatch up to 4
 * (Karras et al. 2018, section 3). With 1, the standard deviation is always zero.
 */
export function groupSize(images: number): number {
  return [4, 3, 2].find((size) => images % size === 0) ?? 1;
}

/**
 * Valid micro-batch sizes: divisors of the batch with a group size above 1, ascending up to the
 * batch.
 */
export function microBatchSizes(batch: number): number[] {
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

/** Reports batches with a group size of 1, and micro-batch sizes that do not divide the batch. */
export function checkBatch(train: Batch, context: z.core.$RefinementCtx): void {
  const issue = batchIssue(train);
  if (issue) context.addIssue({ code: 'custom', path: [issue[0]], message: issue[1] });
}

const GROUPS_REASON =
  'the discriminator compares images in groups of 4, 3 or 2, which must divide the images';

/** Maximum number of images in a batch or micro-batch. */
export const MAX_BATCH = 4096;

/** Values out of range are reported by the schema of their key, and not again here. */
function isInRange(images: number, minimum: number): boolean {
  return Number.isInteger(images) && images >= minimum && images <= MAX_BATCH;
}

function batchIssue({ engine, batch, batchGpu, stylegan3 }: Batch): [key: string, message: string] | null {
  const gpus = engine === 'stylegan3' ? stylegan3.gpus : 1;
  if (!isInRange(batch, 2) || !isInRange(gpus, 1)) return null;
  if (batchGpu !== 'auto' && !isInRange(batchGpu, 1)) return null;
  const share = batch / gpus;
  if (!Number.isInteger(share)) return ['batch', `must be a multiple of stylegan3.gpus, ${gpus}`];
  const sizes = microBatchSizes(share);
  if (sizes.length === 0) {
    const fewer = gpus > 1 ? ', or use fewer stylegan3.gpus' : '';
    return ['batch', `must be ${batchesNear(share, gpus)}${fewer}: ${GROUPS_REASON}`];
  }
  if (batchGpu === 'auto' || sizes.includes(batchGpu)) return null;
  const nearest = [sizes.findLast((size) => size < batchGpu), sizes.find((size) => size > batchGpu)];
  const valid = nearest.filter((size) => size !== undefined).join(' or ');
  const whole = gpus === 1 ? 'the batch' : "a GPU's share of the batch";
  const because = share % batchGpu === 0 ? GROUPS_REASON : `it must divide ${whole}, ${share}`;
  return ['batchGpu', `must be ${valid}: ${because}`];
}

function batchesNear(share: number, gpus: number): string {
  const shares = [share - 1, share + 1].filter((images) => images > 0 && groupSize(images) > 1);
  return shares.map((images) => images * gpus).join(' or ');
}
