/**
 * Correlation of each channel with one filter, whose edges may be padded or cropped; its gradient
 * is one of the same kind.
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { customGradient } from './custom-gradient.js';
import { depthwise } from './depthwise.js';

/** A filter, row by row. */
interface Kernel {
  weights: readonly number[];
  height: number;
  width: number;
}

/** Zero padding before and after; negative values crop. */
interface Edges {
  before: number;
  after: number;
}

/** A filter along rows. */
export function alongRows(weights: readonly number[]): Kernel {
  return { weights, height: 1, width: weights.length };
}

/** A filter along columns. */
export function alongColumns(weights: readonly number[]): Kernel {
  return { weights, height: weights.length, width: 1 };
}

const NONE: Edges = { before: 0, after: 0 };

/**
 * y[r, c] = sum over i, j of weights[i, j] * x[r + i - vertical.before, c + j - horizontal.before],
 * with zeros outside of x. Differentiable any number of times.
 *
 * [n, h, w, c] -> [n, h + vertical.before + vertical.after - height + 1, likewise, c]
 */
export function correlate(
  x: Tensor4D,
  kernel: Kernel,
  { vertical = NONE, horizontal = NONE }: { vertical?: Edges; horizontal?: Edges } = {},
): Tensor4D {
  const { weights, height, width } = kernel;
  return customGradient(
    { x },
    () => padAndCorrelate(x, kernel, vertical, horizontal),
    (dy) => ({
      x: () =>
        correlate(
          dy as Tensor4D,
          { weights: [...weights].reverse(), height, width },
          { vertical: transposed(vertical, height), horizontal: transposed(horizontal, width) },
        ),
    }),
  ) as Tensor4D;
}

function transposed({ before, after }: Edges, taps: number): Edges {
  return { before: taps - 1 - before, after: taps - 1 - after };
}

function padAndCorrelate(
  x: Tensor4D,
  { weights, height, width }: Kernel,
  vertical: Edges,
  horizontal: Edges,
): Tensor4D {
  const kept = crop(x, vertical, horizontal);
  if (kept.size === 0 || weights.length === 0) {
    // The filter covers no sample of x.
    const [n, rows, columns, channels] = x.shape;
    const outputs = (length: number, edges: Edges, taps: number) =>
      length + edges.before + edges.after - taps + 1;
    return tf.zeros([n, outputs(rows, vertical, height), outputs(columns, horizontal, width), channels]);
  }
  const zeros = ({ before, after }: Edges) => [Math.max(0, before), Math.max(0, after)] as const;
  const padding = [...zeros(vertical), ...zeros(horizontal)] as const;
  return depthwise(kept, weights, [height, width], { padding });
}

function crop(x: Tensor4D, vertical: Edges, horizontal: Edges): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const remaining = (length: number, { before, after }: Edges) =>
    Math.max(0, length + Math.min(0, before) + Math.min(0, after));
  const [rows, columns] = [remaining(height, vertical), remaining(width, horizontal)];
  if (rows === height && columns === width) return x;
  const first = ({ before }: Edges, length: number) => Math.min(length, Math.max(0, -before));
  return tf.slice4d(
    x,
    [0, first(vertical, height), first(horizontal, width), 0],
    [n, rows, columns, channels],
  );
}
