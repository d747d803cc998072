/** Labeled sets of images that are no data sets: pixels in scratch files, identified by content. */
import { createHash, type Hash } from 'node:crypto';
import type { SetName } from '../../spec/compute-tasks.js';
import { PixelFile } from '../analyses/pixel-file.js';
import type { ClassedImage } from '../compare-images.js';
import type { ClassifiedSets, LabeledImage, WantedImages } from './labeled-images.js';
import type { ClassCounts, Sets } from './plan.js';

interface RecordedSet {
  file: PixelFile;
  classes: string[];
  hash: Hash;
}

export class RecordedSets implements ClassifiedSets {
  private readonly sets = new Map<SetName, RecordedSet>();
  private size: { resolution: number; channels: 1 | 3 } | null = null;

  /** Records a set. All images have one size, and a class. */
  async record(name: SetName, images: AsyncIterable<ClassedImage>): Promise<void> {
    const set: RecordedSet = { file: await PixelFile.create(), classes: [], hash: createHash('sha256') };
    this.sets.set(name, set);
    for await (const { pixels, resolution, channels, class: own = '' } of images) {
      this.size ??= { resolution, channels };
      await set.file.append(pixels);
      set.classes.push(own);
      set.hash.update(`${own}\n${resolution} ${channels}\n`).update(pixels);
    }
  }

  /** @throws RangeError before any image is recorded */
  async shape(): Promise<{ resolution: number; channels: 1 | 3 }> {
    if (!this.size) throw new RangeError('no images are recorded');
    return this.size;
  }

  async *images({ set: name, classes, maxImages }: WantedImages): AsyncGenerator<LabeledImage> {
    const { file, classes: own } = this.setOf(name);
    const { resolution, channels } = await this.shape();
    let images = 0;
    for (const [i, of] of own.entries()) {
      const label = classes.indexOf(of);
      if (label < 0) continue;
      if (images++ >= maxImages) return;
      yield { label, pixels: await file.read(i, resolution * resolution * channels) };
    }
  }

  /** Numbers of images of each class of the training images. */
  counts(): ClassCounts {
    const classes = [...new Set(this.setOf('train').classes)].sort();
    const of = (set: SetName) => {
      const own = this.setOf(set).classes;
      return classes.map((name) => own.filter((each) => each === name).length);
    };
    return { classes, train: of('train'), holdout: of('holdout'), synthetic: of('synthetic') };
  }

  /** Equal images of equal classes have equal digests, wherever they lie. */
  identity(): Sets {
    const digestOf = (...names: SetName[]) =>
      names.map((name) => this.setOf(name).hash.copy().digest('hex').slice(0, 32)).join('-');
    const [dataset, synthetic] = [digestOf('train', 'holdout'), digestOf('synthetic')];
    return {
      dataset: { prefix: '', digest: dataset },
      synthetic: { prefix: '', digest: synthetic },
    };
  }

  async remove(): Promise<void> {
    for (const { file } of this.sets.values()) await file.remove();
    this.sets.clear();
  }

  private setOf(name: SetName): RecordedSet {
    const set = this.sets.get(name);
    if (!set) throw new RangeError(`the set ${name} is not recorded`);
    return set;
  }
}
