/** Minibatches of real images in an order that is a pure function of seed and position. */
import { RandomStream } from '../core/random.js';

/** The training images, as the data set reader provides them. */
export interface TrainingImages {
  readonly count: number;
  readonly resolution: number;
  readonly channels: number;
  /** Class names in label order; null when unlabelled. */
  readonly classes: readonly string[] | null;
  /** Class index of an image; null when unlabelled. */
  label(index: number): number | null;
  /** [h, w, c] bytes of an image. */
  pixels(index: number): Uint8Array;
  close?(): void;
}

export interface Minibatch {
  /** [n, h, w, c] in -1...1. */
  real: Float32Array;
  /** One-hot [n, labelDim]; empty when unconditional. */
  labels: Float32Array;
}

export interface DataOrder {
  seed: number;
  /** Flip each image left-right with probability 1/2. */
  mirror: boolean;
  /** Length of a one-hot label; 0 when unconditional. */
  labelDim: number;
}

/**
 * Every epoch shows every image once, each in a different order. A position is the number of images
 * shown before.
 */
export class TrainingData {
  private epoch = -1;
  private order: number[] = [];

  constructor(
    readonly images: TrainingImages,
    private readonly options: DataOrder,
  ) {}

  /** The image shown at a position. */
  indexAt(position: number): number {
    const { count } = this.images;
    const epoch = Math.floor(position / count);
    if (epoch !== this.epoch) {
      const ascending = Array.from({ length: count }, (_, i) => i);
      this.order = new RandomStream(this.options.seed, `data order of epoch ${epoch}`).shuffle(ascending);
      this.epoch = epoch;
    }
    return this.order[position % count] as number;
  }

  /** `size` images from `position` on; they may continue in the next epoch. */
  batch(position: number, size: number): Minibatch {
    const { resolution, channels } = this.images;
    const length = resolution * resolution * channels;
    const real = new Float32Array(size * length);
    const indices = Array.from({ length: size }, (_, i) => this.indexAt(position + i));
    indices.forEach((index, i) => {
      const flip =
        this.options.mirror && new RandomStream(this.options.seed, 'mirror', position + i).uniform() < 0.5;
      writePixels(
        real.subarray(i * length, (i + 1) * length),
        this.images.pixels(index),
        channels,
        flip ? resolution : 0,
      );
    });
    return { real, labels: this.oneHot(indices) };
  }

  /** Labels for generated images, drawn from the training set: each is as frequent as there. */
  randomLabels(stream: string, position: number, size: number): Float32Array {
    if (this.options.labelDim === 0) return new Float32Array(0);
    // Each integer takes one draw, so `position` is the draw it starts at.
    const random = new RandomStream(this.options.seed, stream, position);
    return this.oneHot(Array.from({ length: size }, () => random.integer(this.images.count)));
  }

  private oneHot(indices: number[]): Float32Array {
    const { labelDim } = this.options;
    const labels = new Float32Array(indices.length * labelDim);
    if (labelDim === 0) return labels;
    indices.forEach((index, i) => {
      const label = this.images.label(index);
      if (label !== null) labels[i * labelDim + label] = 1;
    });
    return labels;
  }
}

/** Bytes to -1...1; with `flipWidth` > 0 each row of that many pixels is reversed. */
function writePixels(out: Float32Array, bytes: Uint8Array, channels: number, flipWidth: number): void {
  if (flipWidth === 0) {
    for (let i = 0; i < out.length; i++) out[i] = (bytes[i] as number) / 127.5 - 1;
    return;
  }
  const row = flipWidth * channels;
  for (let i = 0; i < out.length; i++) {
    const inRow = i % row;
    const channel = inRow % channels;
    const mirrored = i - inRow + (row - channels - (inRow - channel)) + channel;
    out[i] = (bytes[mirrored] as number) / 127.5 - 1;
  }
}
