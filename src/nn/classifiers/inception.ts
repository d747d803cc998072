/**
 * Inception-v3 (Szegedy et al. 2015, "Rethinking the Inception Architecture"), in two variants:
 * torchvision's, and the TensorFlow graph of 2015-12-05 that defines FID. The latter leaves the
 * padding out of the means of its pooling branches, has a maximum in the last one, and 1008
 * classes.
 */
import {
  branches,
  type Classifier,
  IMAGENET_RANGE,
  type Layer,
  output,
  type Pair,
  type Pooling,
  sequence,
} from './layers.js';

const SIDE = 299;
const EPSILON = 1e-3;
const FEATURES = 2048;
const ROW: Pair = [1, 7];
const COLUMN: Pair = [7, 1];

/** Pooling of the branches of equal size, and of that of the last block. */
interface Variant {
  pool: Pooling;
  lastPool: Pooling;
  classes: number;
  /** Whether the last layer adds its bias. */
  bias: boolean;
}

const MEAN_WITH_PADDING = pooling('mean', 3, 1, 1, true);
const MEAN_OF_PIXELS = pooling('mean', 3, 1, 1, false);

/**
 * The network of FID. Outputs of earlier layers are named by their number of features. The
 * Inception Score is computed on logits without bias: in the first code by mistake, and ever since.
 */
export const inception: Classifier = {
  name: 'inception',
  side: SIDE,
  resize: 'tensorflow1',
  range: { mean: [128, 128, 128], deviation: [128, 128, 128] },
  epsilon: EPSILON,
  network: network({ pool: MEAN_OF_PIXELS, lastPool: pooling('max', 3, 1, 1), classes: 1008, bias: false }),
  head: 'fc',
  features: FEATURES,
  unused: /^fc\.bias$/,
};

export const inceptionV3: Classifier = {
  name: 'inception_v3',
  side: SIDE,
  resize: 'bicubic',
  range: IMAGENET_RANGE,
  epsilon: EPSILON,
  network: network({ pool: MEAN_WITH_PADDING, lastPool: MEAN_WITH_PADDING, classes: 1000, bias: true }),
  head: 'fc',
  features: FEATURES,
  unused: /^AuxLogits\./,
};

function network({ pool, lastPool, classes, bias }: Variant): Layer {
  const reduce = pooling('max', 3, 2);
  return sequence(
    conv('Conv2d_1a_3x3', 32, 3, { stride: 2, valid: true }),
    conv('Conv2d_2a_3x3', 32, 3, { valid: true }),
    conv('Conv2d_2b_3x3', 64, 3),
    reduce,
    output('64'),
    conv('Conv2d_3b_1x1', 80, 1),
    conv('Conv2d_4a_3x3', 192, 3, { valid: true }),
    reduce,
    output('192'),
    block35('Mixed_5b', pool, 32),
    block35('Mixed_5c', pool, 64),
    block35('Mixed_5d', pool, 64),
    branches(
      conv('Mixed_6a.branch3x3', 384, 3, { stride: 2, valid: true }),
      sequence(
        conv('Mixed_6a.branch3x3dbl_1', 64, 1),
        conv('Mixed_6a.branch3x3dbl_2', 96, 3),
        conv('Mixed_6a.branch3x3dbl_3', 96, 3, { stride: 2, valid: true }),
      ),
      reduce,
    ),
    block17('Mixed_6b', pool, 128),
    block17('Mixed_6c', pool, 160),
    block17('Mixed_6d', pool, 160),
    block17('Mixed_6e', pool, 192),
    output('768'),
    branches(
      sequence(
        conv('Mixed_7a.branch3x3_1', 192, 1),
        conv('Mixed_7a.branch3x3_2', 320, 3, { stride: 2, valid: true }),
      ),
      sequence(
        conv('Mixed_7a.branch7x7x3_1', 192, 1),
        conv('Mixed_7a.branch7x7x3_2', 192, ROW),
        conv('Mixed_7a.branch7x7x3_3', 192, COLUMN),
        conv('Mixed_7a.branch7x7x3_4', 192, 3, { stride: 2, valid: true }),
      ),
      reduce,
    ),
    block8('Mixed_7b', pool),
    block8('Mixed_7c', lastPool),
    { kind: 'globalMean' },
    output('features'),
    { kind: 'linear', name: 'fc', outputs: classes, bias, relu: false },
    output('logits'),
  );
}

/** A block on maps of 35x35; figure 5 of the paper with one 5x5 convolution. */
function block35(name: string, pool: Pooling, poolOutputs: number): Layer {
  return branches(
    conv(`${name}.branch1x1`, 64, 1),
    sequence(conv(`${name}.branch5x5_1`, 48, 1), conv(`${name}.branch5x5_2`, 64, 5)),
    sequence(
      conv(`${name}.branch3x3dbl_1`, 64, 1),
      conv(`${name}.branch3x3dbl_2`, 96, 3),
      conv(`${name}.branch3x3dbl_3`, 96, 3),
    ),
    sequence(pool, conv(`${name}.branch_pool`, poolOutputs, 1)),
  );
}

/** A block on maps of 17x17 with factorized 7x7 convolutions (figure 6). */
function block17(name: string, pool: Pooling, width: number): Layer {
  return branches(
    conv(`${name}.branch1x1`, 192, 1),
    sequence(
      conv(`${name}.branch7x7_1`, width, 1),
      conv(`${name}.branch7x7_2`, width, ROW),
      conv(`${name}.branch7x7_3`, 192, COLUMN),
    ),
    sequence(
      conv(`${name}.branch7x7dbl_1`, width, 1),
      conv(`${name}.branch7x7dbl_2`, width, COLUMN),
      conv(`${name}.branch7x7dbl_3`, width, ROW),
      conv(`${name}.branch7x7dbl_4`, width, COLUMN),
      conv(`${name}.branch7x7dbl_5`, 192, ROW),
    ),
    sequence(pool, conv(`${name}.branch_pool`, 192, 1)),
  );
}

/** A block on maps of 8x8 with expanded outputs (figure 7). */
function block8(name: string, pool: Pooling): Layer {
  const split = (prefix: string) =>
    branches(conv(`${prefix}a`, 384, [1, 3]), conv(`${prefix}b`, 384, [3, 1]));
  return branches(
    conv(`${name}.branch1x1`, 320, 1),
    sequence(conv(`${name}.branch3x3_1`, 384, 1), split(`${name}.branch3x3_2`)),
    sequence(
      conv(`${name}.branch3x3dbl_1`, 448, 1),
      conv(`${name}.branch3x3dbl_2`, 384, 3),
      split(`${name}.branch3x3dbl_3`),
    ),
    sequence(pool, conv(`${name}.branch_pool`, 192, 1)),
  );
}

function conv(
  name: string,
  outputs: number,
  size: number | Pair,
  { stride = 1, valid = false }: { stride?: number; valid?: boolean } = {},
): Layer {
  const kernel: Pair = typeof size === 'number' ? [size, size] : size;
  const padding: Pair = valid ? [0, 0] : [(kernel[0] - 1) / 2, (kernel[1] - 1) / 2];
  return {
    kind: 'convolution',
    name: `${name}.conv`,
    norm: `${name}.bn`,
    outputs,
    kernel,
    stride,
    padding,
    relu: true,
  };
}

function pooling(
  reduce: Pooling['reduce'],
  size: number,
  stride: number,
  padding = 0,
  countsPadding = false,
): Pooling {
  return { kind: 'pooling', reduce, size, stride, padding, countsPadding };
}
