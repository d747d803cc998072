/** Latents and grids: pure functions of their input. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRawPng, tile } from '../../../src/generation/image-grid.js';
import { latent } from '../../../src/generation/latents.js';
import { decodePng } from '../../../src/imaging/pixels/png.js';

test('the latent of a seed is the same each time and standard normal', () => {
  const z = Array.from({ length: 100 }, (_, seed) => latent(seed, 64));
  assert.deepEqual(latent(7, 64), z[7]);
  const values = z.flatMap((row) => [...row]);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  assert.ok(Math.abs(mean) < 0.05 && Math.abs(variance - 1) < 0.05, `${mean} ${variance}`);
});

test('a grid shows the images row by row, in gray and in color', async () => {
  const gray = tile(
    [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8), Uint8Array.of(9, 10, 11, 12)],
    2,
    2,
    1,
  );
  assert.deepEqual([...gray.pixels], [1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 0, 0, 11, 12, 0, 0]);
  const size = { width: 4, height: 4, channels: 1 } as const;
  assert.deepEqual([...(await decodePng(await encodeRawPng(gray), size))], [...gray.pixels]);
  const color = tile([Uint8Array.of(1, 2, 3)], 1, 1, 3);
  assert.deepEqual(
    [...(await decodePng(await encodeRawPng(color), { width: 1, height: 1, channels: 3 }))],
    [1, 2, 3],
  );
});
