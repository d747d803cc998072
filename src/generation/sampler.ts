/** Generates images by seed and class. */
import { UsageError } from '../core/errors.js';
import type { Program } from '../nn/program/program.js';
import type { ClassShare } from './classes.js';
import type { RawImage } from './image-grid.js';
import { latent } from './latents.js';

export interface SamplerShape {
  zDim: number;
  /** Length of a one-hot label; 0 when unconditional. */
  labelDim: number;
  resolution: number;
  channels: 1 | 3;
  /** Images per batch of the program. */
  batch: number;
  classes: ClassShare[] | null;
}

/**
 * An image depends only on its seed, class and psi, not on the other images of a request: every
 * batch has the same size, and a seed always has the same position in it (kernels may round
 * differently at different positions).
 */
export class Sampler {
  constructor(
    private readonly program: Program,
    private readonly shape: SamplerShape,
  ) {}

  get classes(): ClassShare[] | null {
    return this.shape.classes;
  }
  get resolution(): number {
    return this.shape.resolution;
  }
  get channels(): 1 | 3 {
    return this.shape.channels;
  }

  /**
   * @param labels class index of each image; null for unconditional generators
   * @param psi truncation: 1 for full diversity, 0 for the mean image
   * @returns raw [h, w, c] bytes of each image, in the order of the seeds
   * @throws UsageError when a label is not one of the generator's classes
   */
  async generate(
    seeds: readonly number[],
    labels: readonly (number | null)[],
    psi: number,
  ): Promise<Uint8Array[]> {
    const out = new Array<Uint8Array>(seeds.length);
    for (const slots of this.arrange(seeds)) {
      const images = await this.run(slots, seeds, labels, psi);
      slots.forEach((request, slot) => {
        if (request !== undefined) out[request] = toBytes(images, slot, this.length);
      });
    }
    return out;
  }

  raw(pixels: Uint8Array): RawImage {
    const { resolution, channels } = this.shape;
    return { width: resolution, height: resolution, channels, pixels };
  }

  dispose(): void {
    this.program.dispose();
  }

  private get length(): number {
    return this.shape.resolution ** 2 * this.shape.channels;
  }

  /** Batches of slots, each the index of a request or empty; a seed's slot is seed mod batch. */
  private arrange(seeds: readonly number[]): (number | undefined)[][] {
    const { batch } = this.shape;
    const batches: (number | undefined)[][] = [];
    const filled = new Array<number>(batch).fill(0);
    seeds.forEach((seed, request) => {
      const slot = seed % batch;
      const index = filled[slot] as number;
      filled[slot] = index + 1;
      const target = batches[index] ?? new Array<number | undefined>(batch).fill(undefined);
      batches[index] = target;
      target[slot] = request;
    });
    return batches;
  }

  private async run(
    slots: readonly (number | undefined)[],
    seeds: readonly number[],
    labels: readonly (number | null)[],
    psi: number,
  ): Promise<Float32Array> {
    const { zDim, labelDim, batch } = this.shape;
    const z = new Float32Array(batch * zDim);
    const oneHot = new Float32Array(batch * labelDim);
    slots.forEach((request, slot) => {
      z.set(latent(request === undefined ? slot : (seeds[request] as number), zDim), slot * zDim);
      if (labelDim === 0) return;
      const label = request === undefined ? 0 : (labels[request] ?? null);
      if (label === null || !Number.isInteger(label) || label < 0 || label >= labelDim)
        throw noSuchClass(label, labelDim);
      oneHot[slot * labelDim + label] = 1;
    });
    const { images } = await this.program.run('generate', {
      z,
      psi: Float32Array.of(psi),
      ...(labelDim > 0 ? { labels: oneHot } : {}),
    });
    return images as Float32Array;
  }
}

/** -1...1 to 0...255, as in StyleGAN3: x * 127.5 + 128, truncated. */
function toBytes(images: Float32Array, slot: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const value = Math.trunc((images[slot * length + i] as number) * 127.5 + 128);
    bytes[i] = Math.min(255, Math.max(0, value));
  }
  return bytes;
}

function noSuchClass(label: number | null, labelDim: number): UsageError {
  return new UsageError({
    what: `class ${label === null ? 'none' : label} is not one of the generator's ${labelDim} classes`,
    where: 'labels',
    hint: `Give each image a class from 0 to ${labelDim - 1}.`,
  });
}
