/** Measures DICOM files from bytes to PNG files of a set. Prints one line of JSON. */
import { readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { openSource, type SourceImage } from '../src/imaging/index.js';
import { mapInOrder } from '../src/imaging/in-flight.js';
import { makeSettings } from '../src/imaging/pixels/make-image.js';
import { writeStoredZip, type ZipFileContent } from '../src/imaging/dataset/stored-zip.js';
import { TASKS_IN_FLIGHT } from '../src/imaging/threads/image-pool.js';
import { inBatches, makeImages } from '../src/imaging/threads/work-on-files.js';
import { preprocessSchema } from '../src/spec/preprocess.js';

/** Decodes, crops to a square, resizes, and writes gray PNG files to an archive. */
export async function benchDicom(folder: string, out: string, resolution: number) {
  const source = openSource(folder);
  const settings = makeSettings(preprocessSchema.parse({ source: folder, resolution }));
  const start = performance.now();
  // The listing of the stage also computes checksums, which the peer does not.
  const images = await Promise.all(
    readdirSync(folder)
      .sort()
      .map(async (name) => {
        const { size } = await stat(path.join(folder, name));
        return { name, bytes: size, identity: 'time:' };
      }),
  );
  const make = (batch: SourceImage[]) => makeImages(source, batch, settings, { wantsThumbnails: false });
  async function* files(): AsyncGenerator<ZipFileContent> {
    let index = 0;
    const batches = inBatches(images, ({ bytes }) => bytes);
    for await (const results of mapInOrder(batches, TASKS_IN_FLIGHT, make))
      for (const { made } of results) {
        if ('reason' in made) throw new Error(made.reason);
        yield { name: `img${String(index++).padStart(8, '0')}.png`, bytes: made.files[0] as Uint8Array };
      }
  }
  await writeStoredZip(out, files());
  const seconds = (performance.now() - start) / 1000;
  return { images: images.length, seconds, peakBytes: process.resourceUsage().maxRSS * 1024 };
}

const [source, out, resolution] = process.argv.slice(2);
if (source && out && process.argv[1]?.endsWith('dicom.js'))
  process.stdout.write(`${JSON.stringify(await benchDicom(source, out, Number(resolution)))}\n`);
