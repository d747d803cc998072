/** The batches of a classifier's training: a pure function of images, seed and step. */
import { RandomStream } from '../../core/random.js';
import type { LabeledImage } from './labeled-images.js';

export interface BatchOptions {
  resolution: number;
  channels: number;
  classes: number;
  batch: number;
  seed: number;
}

/** Images are moved by up to this share of their side: a classifier must not rely on positions. */
const SHIFT = 1 / 16;

export class Batches {
  private epoch: { number: number; order: number[] } | null = null;

  /** @throws RangeError without images */
  constructor(
    private readonly images: readonly LabeledImage[],
    private readonly options: BatchOptions,
  ) {
    if (images.length === 0) throw new RangeError('a classifier needs images');
  }

  /** Every image once in each epoch, in random order; a batch may continue in the next epoch. */
  at(step: number): { images: Float32Array; targets: Float32Array } {
    const { batch, classes, seed, resolution } = this.options;
    const shifts = new RandomStream(seed, 'shifts of a classifier', 2n * BigInt(step * batch));
    const farthest = Math.floor(resolution * SHIFT);
    const targets = new Float32Array(batch * classes);
    const images = new Float32Array(batch * this.size);
    for (let i = 0; i < batch; i++) {
      const { label, pixels } = this.imageAt(step * batch + i);
      const [down, right] = [0, 1].map(() => shifts.integer(2 * farthest + 1) - farthest) as [number, number];
      this.write(images, i * this.size, pixels, { down, right });
      targets[i * classes + label] = 1;
    }
    return { images, targets };
  }

  /** Images to be tested as a batch, with zeros after the last. */
  padded(images: readonly LabeledImage[]): Float32Array {
    const values = new Float32Array(this.options.batch * this.size);
    for (const [i, { pixels }] of images.entries()) values.set(pixels, i * this.size);
    return values;
  }

  private get size(): number {
    const { resolution, channels } = this.options;
    return resolution * resolution * channels;
  }

  private imageAt(position: number): LabeledImage {
    const number = Math.floor(position / this.images.length);
    if (this.epoch?.number !== number) {
      const random = new RandomStream(this.options.seed, `order of images in epoch ${number}`);
      this.epoch = { number, order: random.shuffle([...this.images.keys()]) };
    }
    return this.images[this.epoch.order[position % this.images.length] as number] as LabeledImage;
  }

  /** Moves an image; its border is repeated. */
  private write(
    into: Float32Array,
    offset: number,
    pixels: Uint8Array,
    { down, right }: { down: number; right: number },
  ): void {
    const { resolution: side, channels } = this.options;
    const inside = (position: number) => Math.min(side - 1, Math.max(0, position));
    for (let row = 0, at = offset; row < side; row++) {
      const from = inside(row - down) * side;
      for (let column = 0; column < side; column++) {
        const pixel = (from + inside(column - right)) * channels;
        for (let channel = 0; channel < channels; channel++) into[at++] = pixels[pixel + channel] as number;
      }
    }
  }
}
