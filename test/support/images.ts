/** Generates small image files and archives for tests. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import yazl from 'yazl';
import { crc32 } from '../../src/imaging/dataset/crc32.js';
import { type ZipFileContent, writeStoredZip } from '../../src/imaging/dataset/stored-zip.js';
import { type PreprocessSpec, preprocessSchema } from '../../src/spec/preprocess.js';

/** A `preprocess` section with defaults, small images and the overrides of the test. */
export function preprocessSpec(parts: Partial<PreprocessSpec> & { source: string }): PreprocessSpec {
  return preprocessSchema.parse({ resolution: 16, ...parts });
}

/** Runs a test body with a temporary folder, which is removed afterwards. */
export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gist-test-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A constant gray PNG, 24 x 20 pixels by default. */
export async function grayPng(value: number, width = 24, height = 20): Promise<Buffer> {
  return sharp(Buffer.alloc(width * height, value), { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** `classes[name]` distinct images in one folder per class: `<root>/<name>/image00.png`. */
export async function writeClasses(root: string, classes: Record<string, number>): Promise<void> {
  let value = 0;
  for (const [name, count] of Object.entries(classes)) {
    await mkdir(path.join(root, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const file = path.join(root, name, `image${String(i).padStart(2, '0')}.png`);
      await writeFile(file, await grayPng(value++ % 256, 24 + (value >> 8), 20));
    }
  }
}

/** A PNG whose header has any size and which contains no pixels. */
export function pngOfSize(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(64))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A chunk with its checksum. */
export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

/** A zip with any names, including malicious names. */
export async function storedZip(file: string, files: ZipFileContent[]): Promise<void> {
  async function* each() {
    yield* files;
  }
  await writeStoredZip(file, each());
}

/** An ordinary deflated zip. */
export async function deflatedZip(file: string, files: ZipFileContent[]): Promise<void> {
  const zip = new yazl.ZipFile();
  for (const { name, bytes } of files) zip.addBuffer(Buffer.from(bytes), name);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  await writeFile(file, Buffer.concat(chunks));
}

/**
 * Changes the directory record of the nth file of a zip; fields at their offsets in APPNOTE 4.3.12.
 */
export async function patchDirectory(
  file: string,
  nth: number,
  change: (record: Buffer) => void,
): Promise<void> {
  const bytes = await readFile(file);
  let at = -1;
  for (let i = 0; i <= nth; i++) at = bytes.indexOf('PK\x01\x02', at + 1, 'latin1');
  change(bytes.subarray(at));
  await writeFile(file, bytes);
}
