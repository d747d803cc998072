/** The layers that classifier networks are described with. A description is plain data. */

/** Height and width. */
export type Pair = readonly [number, number];

/** A convolution with the batch norm that follows it, or with a bias. */
export interface Convolution {
  kind: 'convolution';
  /** Of its weight (and bias) in the state dict. */
  name: string;
  /** Of its batch norm; null: it has a bias instead. */
  norm: string | null;
  outputs: number;
  kernel: Pair;
  stride: number;
  /** Zeros on both sides of each axis. */
  padding: Pair;
  relu: boolean;
}

/**
 * Pooling over windows. The zeros of `padding` count in a mean unless `countsPadding` is false; a
 * maximum ignores the padding.
 */
export interface Pooling {
  kind: 'pooling';
  reduce: 'max' | 'mean';
  size: number;
  stride: number;
  padding: number;
  countsPadding: boolean;
}

/** A fully connected layer on vectors. */
export interface Linear {
  kind: 'linear';
  name: string;
  outputs: number;
  bias: boolean;
  relu: boolean;
}

export type Layer =
  | Convolution
  | Pooling
  | Linear
  | { kind: 'sequence'; layers: Layer[] }
  /** Layers on the same input; their outputs are concatenated along the channels. */
  | { kind: 'branches'; branches: Layer[] }
  /** relu(body(x) + shortcut(x)); null: x itself. */
  | { kind: 'residual'; body: Layer; shortcut: Layer | null }
  /** The mean over all positions: a vector for each image. */
  | { kind: 'globalMean' }
  /** All values of an image as a vector, channel by channel. */
  | { kind: 'flatten' }
  /** Names the values at this place as an output: maps as their mean over all positions. */
  | { kind: 'output'; name: string };

export function sequence(...layers: Layer[]): Layer {
  return { kind: 'sequence', layers };
}

export function branches(...layers: Layer[]): Layer {
  return { kind: 'branches', branches: layers };
}

export function output(name: string): Layer {
  return { kind: 'output', name };
}

/** How a network's input is made from an image of values 0...255 with three channels. */
export interface InputRange {
  /** (value - mean) / deviation, by channel. */
  mean: readonly [number, number, number];
  deviation: readonly [number, number, number];
}

/** A classifier network, which maps images to the outputs that its layers name. */
export interface Classifier {
  name: string;
  /** Height and width of its input. */
  side: number;
  /** How images of other sizes are resized: without aliasing, or as TensorFlow 1 did. */
  resize: 'bicubic' | 'tensorflow1';
  range: InputRange;
  /** Epsilon of its batch norms. */
  epsilon: number;
  network: Layer;
  /**
   * Name of the last fully connected layer, from the features to the logits; null: there is none.
   */
  head: string | null;
  /** Of the names of all parameters in published state dicts. */
  prefix?: string;
  /** Number of values of the output `features`, which metrics use. */
  features: number;
  /** Parameters of published state dicts that have no influence on the outputs. */
  unused?: RegExp;
}

/** Mean and deviation of ImageNet, which torchvision's models are trained with. */
export const IMAGENET_RANGE: InputRange = {
  mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
  deviation: [0.229 * 255, 0.224 * 255, 0.225 * 255],
};
