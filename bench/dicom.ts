/** Measures DICOM files from bytes to PNG files of a set. Prints one line of JSON. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { mapInOrder } from '../src/imaging/in-flight.js';
import { encodePng } from '../src/imaging/pixels/png.js';
import { processImage } from '../src/imaging/pixels/process.js';
import { writeStoredZip, type ZipFileContent } from '../src/imaging/dataset/stored-zip.js';

/** Decodes, crops to a square, resizes, and writes gray PNG files to an archive. */
export async function benchDicom(source: string, out: string, resolution: number) {
  const names = readdirSync(source).sort();
  const start = performance.now();
  const convert = async (name: string) => {
    const bytes = await readFile(path.join(source, name));
    const pixels = await processImage(bytes, { resolution, square: 'crop', color: 'grayscale' });
    return encodePng(pixels, resolution, resolution, 1);
  };
  async function* files(): AsyncGenerator<ZipFileContent> {
    let index = 0;
    for await (const bytes of mapInOrder(names, 2 * availableParallelism(), convert))
      yield { name: `img${String(index++).padStart(8, '0')}.png`, bytes };
  }
  await writeStoredZip(out, files());
  const seconds = (performance.now() - start) / 1000;
  return { images: names.length, seconds, peakBytes: process.resourceUsage().maxRSS * 1024 };
}

const [source, out, resolution] = process.argv.slice(2);
if (source && out && process.argv[1]?.endsWith('dicom.js'))
  process.stdout.write(`${JSON.stringify(await benchDicom(source, out, Number(resolution)))}\n`);
