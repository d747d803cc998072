/** Uniform borders are found and trimmed, content is not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { findContent } from '../../../src/imaging/pixels/autocrop.js';
import type { DecodedImage } from '../../../src/imaging/pixels/decoded-image.js';
import { encodePng } from '../../../src/imaging/pixels/png.js';
import { processImage } from '../../../src/imaging/pixels/process.js';

const [WIDTH, HEIGHT] = [120, 90];
const CONTENT = { left: 17, top: 8, width: 80, height: 61 };

/** Content with structure between noisy borders of a level of its own for each side. */
function collimated(content = CONTENT): Uint8Array {
  return Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    const noise = (i * 7919) % 7;
    if (y < content.top) return 3 + noise;
    if (y >= content.top + content.height) return 40 + noise;
    if (x < content.left) return 3 + noise;
    if (x >= content.left + content.width) return 230 + noise;
    return 80 + ((x * 5 + y * 3) % 100);
  });
}

function decoded(pixels: Uint8Array): DecodedImage {
  async function* rows() {
    for (let y = 0; y < HEIGHT; y += 13) yield pixels.subarray(y * WIDTH, Math.min(HEIGHT, y + 13) * WIDTH);
  }
  return { width: WIDTH, height: HEIGHT, channels: 1, notes: [], rows };
}

test('the content between borders of different levels is found', async () => {
  assert.deepEqual(await findContent(decoded(collimated())), CONTENT);
});

test('a small marker in a border does not count as content', async () => {
  const pixels = collimated();
  pixels[4 * WIDTH + 60] = 255;
  assert.deepEqual(await findContent(decoded(pixels)), CONTENT);
});

test('an image without borders and a blank image are not trimmed', async () => {
  const whole = { left: 0, top: 0, width: WIDTH, height: HEIGHT };
  assert.deepEqual(await findContent(decoded(collimated(whole))), whole);
  assert.deepEqual(await findContent(decoded(new Uint8Array(WIDTH * HEIGHT).fill(90))), whole);
});

test('borders are trimmed before the image becomes square', async () => {
  const pixels = collimated({ left: 20, top: 10, width: 64, height: 64 });
  const file = await encodePng(pixels, WIDTH, HEIGHT, 1);
  const options = { resolution: 64, square: 'crop', color: 'grayscale' } as const;
  const trimmed = await processImage(file, { ...options, autocrop: true });
  for (let y = 0; y < 64; y++)
    assert.deepEqual(
      trimmed.subarray(y * 64, (y + 1) * 64),
      pixels.subarray((y + 10) * WIDTH + 20, (y + 10) * WIDTH + 84),
    );
});
