/** Draws folders of images for the benchmark of preprocessing: one kind of source each. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { RandomStream } from '../src/core/random.js';

interface Kind {
  /** Smallest and largest side in pixels. */
  sides: readonly [number, number];
  formats: readonly ('jpeg' | 'png16')[];
}

export const KINDS: Record<string, Kind> = {
  knees: { sides: [224, 224], formats: ['jpeg'] },
  large: { sides: [2000, 3000], formats: ['jpeg', 'png16'] },
};

/** Gray images with slow shading, an edge and the noise of a detector; the same for every call. */
export async function drawImages(folder: string, kind: Kind, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [smallest, largest] = kind.sides;
  for (let i = 0; i < count; i++) {
    const side = Math.round(smallest + ((largest - smallest) * i) / Math.max(1, count - 1));
    const format = kind.formats[i % kind.formats.length] as Kind['formats'][number];
    const samples = draw(side, i);
    const image =
      format === 'jpeg'
        ? sharp(
            Uint8Array.from(samples, (value) => value >> 8),
            { raw: { width: side, height: side, channels: 1 } },
          )
            .toColourspace('b-w')
            .jpeg({ quality: 92 })
        : sharp(samples, { raw: { width: side, height: side, channels: 1 } })
            .toColourspace('grey16')
            .png();
    const name = `${String(i).padStart(5, '0')}.${format === 'jpeg' ? 'jpg' : 'png'}`;
    await writeFile(path.join(folder, name), await image.toBuffer());
  }
}

function draw(side: number, seed: number): Uint16Array {
  const random = new RandomStream(seed, 'bench');
  const noise = Float64Array.from({ length: 4096 }, () => random.normal() * 800);
  const samples = new Uint16Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const shade = 30_000 + 15_000 * Math.sin((x + seed * 9) / (side / 9)) * Math.cos(y / (side / 7));
      const edge = x > side * 0.6 && y > side * 0.3 ? 6000 : 0;
      samples[y * side + x] = shade + edge + (noise[(x * 31 + y * 1009) % noise.length] as number);
    }
  }
  return samples;
}

const [folder, kind, count] = process.argv.slice(2);
if (folder && kind && process.argv[1]?.endsWith('image-set.js'))
  await drawImages(folder, KINDS[kind] as Kind, Number(count));
