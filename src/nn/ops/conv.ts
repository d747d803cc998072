/**
 * Convolution, its transpose and the gradient of its filter: three bilinear maps, each the gradient
 * of the others.
 */
import type { NamedAttrMap, NamedTensorMap, Tensor4D } from '@tensorflow/tfjs';
import { deviceForm } from './device-forms.js';
import { tf } from '../tensorflow.js';
import { customGradient } from './custom-gradient.js';
import { shiftedProducts } from './shifted-products.js';

/** Stride and zero padding in pixels, equal on all sides. */
export interface ConvOptions {
  stride: number;
  padding: number;
}

/**
 * Number of output pixels from which `shiftedProducts` is faster than the library's kernel
 * (measured: docs/decisions/compiled-step.md).
 */
const PRODUCTS_FROM_PIXELS = 256;

/**
 * 64 bytes. TensorFlow slices pixels of this alignment without a copy.
 */
const ALIGNED_CHANNELS = 16;

type Shape4D = [number, number, number, number];
type Pad = 'same' | 'valid';

interface Geometry {
  strides: number;
  pad: Pad;
  /** Shapes of the convolution's input and filter. */
  xShape: Shape4D;
  wShape: Shape4D;
}

/**
 * Convolution as in neural networks (cross-correlation). Differentiable any number of times.
 *
 * x [n, h, w, in], w [kh, kw, in, out] -> [n, h', w', out]
 *
 * @throws RangeError for a padding other than 0 or, at stride 1, (k - 1) / 2
 */
export function conv2d(x: Tensor4D, w: Tensor4D, { stride, padding }: ConvOptions): Tensor4D {
  const pad = padName(w.shape, stride, padding);
  return convolve(x, w, { strides: stride, pad, xShape: x.shape, wShape: w.shape });
}

/**
 * Transposed convolution without padding. x [n, h, w, in], w [kh, kw, out, in] -> [n, (h-1) *
 * stride + kh, ..., out]; `w` is the filter of the convolution from out to in whose transpose this
 * is. Differentiable any number of times.
 */
export function convTranspose2d(x: Tensor4D, w: Tensor4D, { stride }: { stride: number }): Tensor4D {
  const [n, height, width] = x.shape;
  const [kh, kw, out] = w.shape;
  const xShape: Shape4D = [n, (height - 1) * stride + kh, (width - 1) * stride + kw, out];
  return inputGradient(x, w, { strides: stride, pad: 'valid', xShape, wShape: w.shape });
}

function padName([kh, kw]: Shape4D, stride: number, padding: number): Pad {
  if (padding === 0) return 'valid';
  if (stride === 1 && kh === kw && padding === (kh - 1) / 2) return 'same';
  throw new RangeError(`padding ${padding} is not supported for a ${kh}x${kw} kernel at stride ${stride}`);
}

function run(kernel: string, inputs: NamedTensorMap, { strides, pad, xShape, wShape }: Geometry): Tensor4D {
  const attributes = {
    strides,
    pad,
    dataFormat: 'NHWC',
    dilations: 1,
    inputShape: xShape,
    filterShape: wShape,
  };
  return tf.engine().runKernel(kernel, inputs, attributes as unknown as NamedAttrMap) as Tensor4D;
}

/** y = x * w */
function convolve(x: Tensor4D, w: Tensor4D, geometry: Geometry): Tensor4D {
  return customGradient(
    { x, w },
    () => run('Conv2D', { x, filter: w }, geometry),
    (dy) => ({
      x: () => inputGradient(dy as Tensor4D, w, geometry),
      w: () => filterGradient(x, dy as Tensor4D, geometry),
    }),
  ) as Tensor4D;
}

/** The gradient of `sum(dy * convolve(x, w))` with respect to x: bilinear in dy and w. */
function inputGradient(dy: Tensor4D, w: Tensor4D, geometry: Geometry): Tensor4D {
  return customGradient(
    { dy, w },
    () => run('Conv2DBackpropInput', { dy, filter: w }, geometry),
    (dx) => ({
      dy: () => convolve(dx as Tensor4D, w, geometry),
      w: () => filterGradient(dx as Tensor4D, dy, geometry),
    }),
  ) as Tensor4D;
}

/** The gradient of `sum(dy * convolve(x, w))` with respect to w: bilinear in x and dy. */
function filterGradient(x: Tensor4D, dy: Tensor4D, geometry: Geometry): Tensor4D {
  return customGradient(
    { x, dy },
    () =>
      prefersProducts(geometry)
        ? shiftedProducts(x, dy, geometry)
        : run('Conv2DBackpropFilter', { x, dy }, geometry),
    (dw) => ({
      x: () => inputGradient(dy, dw as Tensor4D, geometry),
      dy: () => convolve(x, dw as Tensor4D, geometry),
    }),
  ) as Tensor4D;
}

/**
 * Whether matrix products are faster than the library's kernel: on a CPU, for 3x3 filters and
 * enough aligned pixels.
 */
function prefersProducts({ strides, xShape, wShape: [kh, kw] }: Geometry): boolean {
  const [, height, width, channels] = xShape;
  if (deviceForm() === 'gpu' || strides > 2 || kh !== 3 || kw !== 3) return false;
  const pixels = Math.floor(height / strides) * Math.floor(width / strides);
  return pixels >= PRODUCTS_FROM_PIXELS && channels % ALIGNED_CHANNELS === 0;
}
