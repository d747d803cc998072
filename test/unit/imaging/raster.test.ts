/** Memory of decoding: large images go through a file, and few pixels are in flight. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import test from 'node:test';
import sharp from 'sharp';
import { WeightedLimit } from '../../../src/imaging/in-flight.js';
import { decodeRaster, type Raster } from '../../../src/imaging/pixels/raster.js';

async function samplesOf(raster: Raster): Promise<number[]> {
  const samples: number[] = [];
  for await (const strip of raster.strips()) samples.push(...strip);
  return samples;
}

const scratchFolders = async () =>
  (await readdir(tmpdir())).filter((name) => name.startsWith(`gist-scratch-${process.pid}-raster`));

test('an image that is decoded to a file has the same samples as in memory', async () => {
  const [width, height] = [61, 47];
  const values = Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 65_536);
  const deep = await sharp(Uint16Array.from(values), { raw: { width, height, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  const flat = await sharp(Uint8Array.from(values), { raw: { width, height, channels: 3 } })
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer();
  for (const [file, bits, space] of [
    [deep, 16, 'rgb16'],
    [flat, 8, 'srgb'],
  ] as const) {
    const pipeline = () => sharp(file).autoOrient().toColourspace(space);
    const inMemory = await decodeRaster(pipeline(), bits, 0);
    const inFile = await decodeRaster(pipeline(), bits, Number.POSITIVE_INFINITY);
    assert.equal((await scratchFolders()).length, 1);
    const expected = await samplesOf(inMemory);
    assert.equal(expected.length, values.length);
    assert.deepEqual(await samplesOf(inFile), expected);
    assert.deepEqual(await samplesOf(inFile), expected, 'read twice');
    assert.deepEqual([inFile.width, inFile.height], [inMemory.width, inMemory.height]);
    await inFile.remove();
    assert.equal((await scratchFolders()).length, 0);
  }
});

test('an image that cannot be decoded leaves no file', async () => {
  const file = await sharp(Buffer.alloc(300 * 300, 7), { raw: { width: 300, height: 300, channels: 1 } })
    .jpeg()
    .toBuffer();
  const broken = sharp(file.subarray(0, file.length / 2), { failOn: 'warning' });
  await assert.rejects(decodeRaster(broken, 8, Number.POSITIVE_INFINITY));
  assert.deepEqual(await scratchFolders(), []);
});

/** Runs ten pieces of work of a weight. @returns the largest number that ran at the same time */
async function mostAtOnce(limit: WeightedLimit, weight: number): Promise<number> {
  let [running, most] = [0, 0];
  const work = async () => {
    running++;
    most = Math.max(most, running);
    await new Promise((done) => setTimeout(done, 2));
    running--;
  };
  await Promise.all(Array.from({ length: 10 }, () => limit.run(weight, work)));
  return most;
}

test('work in flight is limited by its weight, and heavier work than the limit runs alone', async () => {
  assert.equal(await mostAtOnce(new WeightedLimit(100), 10), 10);
  assert.equal(await mostAtOnce(new WeightedLimit(100), 30), 3);
  assert.equal(await mostAtOnce(new WeightedLimit(100), 500), 1);
});

test('work that fails frees its weight, and waiting work starts in order', async () => {
  const limit = new WeightedLimit(1);
  const order: number[] = [];
  const failed = limit.run(1, async () => {
    throw new Error('expected');
  });
  const others = [1, 2, 3].map((i) => limit.run(1, async () => order.push(i)));
  await assert.rejects(failed, /expected/);
  await Promise.all(others);
  assert.deepEqual(order, [1, 2, 3]);
});
