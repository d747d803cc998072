import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { ImageError } from '../../../src/core/errors.js';
import { cropText, findText } from '../../../src/imaging/pixels/burned-in.js';
import { withoutText } from '../../../src/imaging/pixels/burned-in-policy.js';
import { withImage } from '../../../src/imaging/pixels/decode.js';

/** Letters of 5 x 7 pixels, a row for each number. */
const FONT: Record<string, number[]> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  D: [30, 17, 17, 17, 17, 17, 30],
  E: [31, 16, 16, 30, 16, 16, 31],
  J: [7, 2, 2, 2, 2, 18, 12],
  N: [17, 25, 21, 19, 17, 17, 17],
  O: [14, 17, 17, 17, 17, 17, 14],
};

const [WIDTH, HEIGHT] = [320, 240];

/** A smooth picture: a bright ellipse with a gradient and soft edges. */
function picture(): Uint8Array {
  return Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [(i % WIDTH) / WIDTH - 0.5, Math.floor(i / WIDTH) / HEIGHT - 0.5];
    return 20 + 200 * Math.exp(-8 * (x * x + y * y)) + ((i * 7919) % 9);
  });
}

function write(
  levels: Uint8Array,
  text: string,
  left: number,
  top: number,
  scale: number,
  level: number,
): void {
  [...text].forEach((letter, k) => {
    const rows = FONT[letter] ?? [];
    for (let y = 0; y < 7 * scale; y++) {
      for (let x = 0; x < 5 * scale; x++) {
        const bits = rows[Math.floor(y / scale)] ?? 0;
        if ((bits >> (4 - Math.floor(x / scale))) & 1)
          levels[(top + y) * WIDTH + left + k * 6 * scale + x] = level;
      }
    }
  });
}

describe('findText', () => {
  it('finds bright and dark lines of text, and where they are', () => {
    for (const [level, top] of [
      [255, 6],
      [0, 110],
    ] as const) {
      const levels = picture();
      write(levels, 'DOE JANE', 100, top, 2, level);
      const boxes = findText(levels, WIDTH, HEIGHT);
      assert.ok(boxes.length >= 1, `level ${level}`);
      for (const box of boxes) {
        assert.ok(box.top <= top && box.top + box.height >= top + 14, JSON.stringify(box));
        assert.ok(box.left >= 85 && box.left + box.width <= 210, JSON.stringify(box));
      }
    }
  });

  it('finds nothing in smooth pictures, frames and rulers', () => {
    const levels = picture();
    assert.deepEqual(findText(levels, WIDTH, HEIGHT), []);
    for (let x = 0; x < WIDTH; x++) levels[10 * WIDTH + x] = 255;
    for (let tick = 0; tick < 10; tick++)
      for (let x = 300; x < 312; x++) levels[(20 + 20 * tick) * WIDTH + x] = 255;
    assert.deepEqual(findText(levels, WIDTH, HEIGHT), []);
  });
});

describe('cropText', () => {
  it('cuts the smallest margin for each box', () => {
    const boxes = [
      { left: 0, top: 0, width: 50, height: 10 },
      { left: 10, top: 90, width: 50, height: 8 },
    ];
    assert.deepEqual(cropText(100, 100, boxes), { left: 0, top: 10, width: 100, height: 80 });
  });

  it('does not cut away the picture', () => {
    assert.equal(
      cropText(100, 100, [
        { left: 40, top: 45, width: 20, height: 10 },
        { left: 0, top: 20, width: 100, height: 8 },
      ]),
      null,
    );
  });
});

describe('withoutText', () => {
  const image = (withText: boolean) => {
    const levels = picture();
    if (withText) write(levels, 'DOE JANE', 100, 6, 2, 255);
    return { levels, width: WIDTH, height: HEIGHT, channels: 1 as const };
  };

  it('keeps images without text, whatever the policy', () => {
    const plain = image(false);
    for (const policy of ['refuse', 'crop', 'warn'] as const)
      assert.deepEqual(withoutText(plain, policy, false), { image: plain, note: null });
  });

  it('refuses, crops or warns', () => {
    assert.throws(() => withoutText(image(true), 'refuse', false), ImageError);
    assert.match(withoutText(image(true), 'warn', false).note ?? '', /text in its pixels/);
    const { image: cropped, note } = withoutText(image(true), 'crop', false);
    assert.ok(cropped.height < HEIGHT && cropped.width === WIDTH);
    assert.match(note ?? '', /cropped/);
    assert.deepEqual(findText(cropped.levels, cropped.width, cropped.height), []);
  });

  it('believes a file that declares text, even where none is found', () => {
    assert.throws(() => withoutText(image(false), 'crop', true), /cannot be cropped/);
    assert.match(withoutText(image(false), 'warn', true).note ?? '', /text/);
  });
});

describe('images of other formats', () => {
  const opened = async (withText: boolean, burnedIn: 'refuse' | 'crop' | 'warn') => {
    const levels = picture();
    if (withText) write(levels, 'DOE JANE', 100, 6, 2, 255);
    const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
    const file = await sharp(levels, { raw }).toColourspace('b-w').tiff({ compression: 'none' }).toBuffer();
    return withImage(file, { privacy: { burnedIn } }, async (image) => {
      const rows: Uint8Array[] = [];
      for await (const strip of image.rows()) rows.push(strip);
      return { ...image, levels: Buffer.concat(rows) };
    });
  };

  it('are refused or cropped, too', async () => {
    await assert.rejects(opened(true, 'refuse'), /text in its pixels.*--privacy-burned-in/s);
    const cropped = await opened(true, 'crop');
    assert.ok(cropped.height < HEIGHT && cropped.levels.length === cropped.width * cropped.height);
    assert.deepEqual(cropped.levels, Buffer.from(picture().subarray(-cropped.levels.length)));
    assert.deepEqual(findText(cropped.levels, cropped.width, cropped.height), []);
    assert.equal(cropped.notes.length, 1);
  });

  it('are whole without text, and when the policy is to warn', async () => {
    for (const policy of ['refuse', 'crop', 'warn'] as const)
      assert.equal((await opened(false, policy)).levels.length, WIDTH * HEIGHT);
    assert.equal((await opened(true, 'warn')).levels.length, WIDTH * HEIGHT);
  });
});
