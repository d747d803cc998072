/** Pixels of a set of images in a scratch file: each image can be read at any time. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeScratchFolder, unusableScratch } from '../../core/scratch.js';

export class PixelFile {
  private count = 0;

  private constructor(
    private readonly folder: string,
    private readonly handle: FileHandle,
  ) {}

  static async create(): Promise<PixelFile> {
    const folder = await makeScratchFolder('pixels');
    return new PixelFile(folder, await open(path.join(folder, 'pixels'), 'w+'));
  }

  get images(): number {
    return this.count;
  }

  /** Appends an image; all have equally many bytes. */
  async append(pixels: Uint8Array): Promise<void> {
    try {
      await this.handle.write(pixels, 0, pixels.length, pixels.length * this.count);
      this.count++;
    } catch (error) {
      throw unusableScratch(error, this.folder);
    }
  }

  /** @param bytes of one image */
  async read(index: number, bytes: number): Promise<Uint8Array> {
    if (index < 0 || index >= this.count) throw new RangeError(`there is no image ${index}`);
    const pixels = new Uint8Array(bytes);
    await this.handle.read(pixels, 0, bytes, bytes * index);
    return pixels;
  }

  async remove(): Promise<void> {
    await this.handle.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
