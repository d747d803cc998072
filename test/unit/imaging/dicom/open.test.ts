import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImageError } from '../../../../src/core/errors.js';
import { type DicomOptions, decodeDicom, openDicom } from '../../../../src/imaging/dicom/open.js';
import { withImage } from '../../../../src/imaging/pixels/decode.js';
import {
  decimal,
  dicomFile,
  encapsulatedFile,
  imageElements,
  nativePixels,
  SYNTAXES,
  type TestElement,
} from '../../../support/dicom.js';

const DEFAULTS: DicomOptions = { frames: 'first', window: 'first' };

/** Pixels of an opened file. */
async function shown(file: Uint8Array, options: Partial<DicomOptions> = {}): Promise<number[]> {
  return [...(await decodeDicom(file, { ...DEFAULTS, ...options })).levels];
}

const full: Partial<DicomOptions> = { window: 'full' };
const window = (center: number, width: number): TestElement[] => [
  decimal(0x00281050, center),
  decimal(0x00281051, width),
];
const explicit = (...elements: TestElement[]) => dicomFile(SYNTAXES.explicit, elements);
const refuses = (file: Uint8Array, what: RegExp, options: Partial<DicomOptions> = {}) =>
  assert.rejects(decodeDicom(file, { ...DEFAULTS, ...options }), (error) => {
    assert.ok(error instanceof ImageError, String(error));
    assert.match(error.what, what);
    return true;
  });

describe('encodings of DICOM data sets', () => {
  const elements = [
    ...imageElements({ width: 3, height: 2, isSigned: true }),
    // Before the pixels, so that every encoding must skip it.
    { tag: 0x00081140, vr: 'SQ', value: [[{ tag: 0x00081150, vr: 'UI', value: '1.2' }], []] },
    nativePixels([-200, -100, 0, 100, 200, 312]),
  ] satisfies TestElement[];
  const expected = [0, 50, 100, 149, 199, 255];

  for (const name of ['implicit', 'explicit', 'bigEndian', 'deflated'] as const) {
    it(`reads ${name} files`, async () => {
      assert.deepEqual(await shown(dicomFile(SYNTAXES[name], elements), full), expected);
    });
  }

  for (const name of ['implicit', 'explicit', 'bigEndian'] as const) {
    it(`reads ${name} files without preamble and meta information`, async () => {
      assert.deepEqual(await shown(dicomFile(SYNTAXES[name], elements, { isBare: true }), full), expected);
    });
  }

  it('reads explicit elements that are declared as implicit', async () => {
    const file = dicomFile(SYNTAXES.explicit, elements);
    const at = file.indexOf(SYNTAXES.explicit);
    file.write('1.2.840.10008.1.2\0\0', at, 'latin1');
    assert.deepEqual(await shown(file, full), expected);
  });

  it('reads what follows an element with a 64-bit representation', async () => {
    const table: TestElement = { tag: 0x7fe00001, vr: 'OV', value: Uint8Array.from({ length: 8 }) };
    assert.deepEqual(await shown(explicit(...elements, table), full), expected);
  });
});

describe('DICOM pixels', () => {
  it('ignores unused bits and extends the sign', async () => {
    const values = [0xf7ff, 0x0800, 0x0000, 0x1fff];
    const image = imageElements({ width: 4, height: 1, bitsStored: 12, isSigned: true });
    // 12 bits: 2047, -2048, 0, -1.
    const file = explicit(...image, nativePixels(values));
    assert.deepEqual(await shown(file, full), [255, 0, 128, 127]);
  });

  it('reads odd sizes of 8 bits', async () => {
    const image = imageElements({ width: 3, height: 1, bits: 8 });
    assert.deepEqual(await shown(explicit(...image, nativePixels([0, 51, 255], 8)), full), [0, 51, 255]);
  });

  it('swaps bytes that are stored as words in big endian', async () => {
    const image = imageElements({ width: 3, height: 1, bits: 8 });
    const pixels: TestElement = { tag: 0x7fe00010, vr: 'OW', value: Uint8Array.from([51, 0, 0, 255]) };
    assert.deepEqual(await shown(dicomFile(SYNTAXES.bigEndian, [...image, pixels]), full), [0, 51, 255]);
  });

  it('reads single bits, the lowest first', async () => {
    const image = imageElements({ width: 4, height: 2, bits: 1 });
    const pixels: TestElement = { tag: 0x7fe00010, vr: 'OB', value: Uint8Array.from([0b10110001]) };
    assert.deepEqual(await shown(explicit(...image, pixels), full), [255, 0, 0, 0, 255, 255, 0, 255]);
  });

  it('reads 32-bit values', async () => {
    const image = imageElements({ width: 2, height: 1, bits: 32 });
    const pixels: TestElement = { tag: 0x7fe00010, vr: 'UL', value: [0, 2 ** 31 - 1] };
    assert.deepEqual(await shown(explicit(...image, pixels), full), [0, 255]);
  });

  it('interleaves planes of color without changing the file', async () => {
    const image = imageElements({ width: 2, height: 1, bits: 8, samples: 3, isPlanar: true });
    const file = explicit(...image, nativePixels([1, 2, 3, 4, 5, 6], 8));
    const before = Buffer.from(file);
    assert.deepEqual(await shown(file), [1, 3, 5, 2, 4, 6]);
    assert.deepEqual(file, before);
  });

  it('converts luminance and chrominance, whole and subsampled', async () => {
    const image = (photometric: string) =>
      imageElements({ width: 2, height: 1, bits: 8, samples: 3, photometric });
    const whole = explicit(...image('YBR_FULL'), nativePixels([76, 85, 255, 255, 128, 128], 8));
    assert.deepEqual(await shown(whole), [254, 0, 0, 255, 255, 255]);
    const packed = explicit(...image('YBR_FULL_422'), nativePixels([10, 200, 128, 128], 8));
    assert.deepEqual(await shown(packed), [10, 10, 10, 200, 200, 200]);
  });

  it('scales colors of 16 bits', async () => {
    const image = imageElements({ width: 1, height: 1, samples: 3 });
    assert.deepEqual(await shown(explicit(...image, nativePixels([0, -1, 0x8000]))), [0, 255, 128]);
  });

  it('applies palettes of 16 and of 8 bits', async () => {
    const image = imageElements({ width: 3, height: 1, bits: 8, photometric: 'PALETTE COLOR' });
    const palette = (bits: number, low: number, high: number): TestElement[] =>
      [0, 1, 2].flatMap((channel) => [
        { tag: 0x00281101 + channel, vr: 'US', value: [2, 10, bits] },
        { tag: 0x00281201 + channel, vr: 'OW', value: channel === 0 ? [low, high] : [high, low] },
      ]);
    const pixels = nativePixels([0, 10, 11], 8);
    const expected = [0, 255, 255, 0, 255, 255, 255, 0, 0];
    assert.deepEqual(await shown(explicit(...image, ...palette(16, 0, 65535), pixels)), expected);
    assert.deepEqual(await shown(explicit(...image, ...palette(16, 0, 255), pixels)), expected);
  });

  it('expands segmented palettes', async () => {
    const image = imageElements({ width: 4, height: 1, bits: 8, photometric: 'PALETTE COLOR' });
    // Two discrete entries, then a line of two to the highest value.
    const words = [0, 2, 0, 0x4040, 1, 2, 0xffff - 65536];
    const palette: TestElement[] = [0, 1, 2].flatMap((channel) => [
      { tag: 0x00281101 + channel, vr: 'US', value: [4, 0, 16] },
      { tag: 0x00281221 + channel, vr: 'OW', value: words },
    ]);
    const [a, b, c, d] = [0, 64, 160, 255];
    const rgb = await shown(explicit(...image, ...palette, nativePixels([0, 1, 2, 3], 8)));
    assert.deepEqual(rgb, [a, a, a, b, b, b, c, c, c, d, d, d]);
  });

  it('chooses a frame', async () => {
    const image = imageElements({ width: 2, height: 1, bits: 8, frames: 3 });
    const file = explicit(...image, nativePixels([0, 10, 0, 20, 30, 0], 8));
    assert.deepEqual(await shown(file, { frames: 2, window: 'full' }), [255, 0]);
    assert.deepEqual(await shown(file, { frames: 'middle', window: { center: 20.5, width: 41 } }), [0, 128]);
    await refuses(file, /has 3 frames, but frame 3/, { frames: 3 });
  });
});

describe('what of a DICOM file is shown', () => {
  const image = imageElements({ width: 5, height: 1 });
  const ramp = nativePixels([0, 25, 50, 75, 100]);

  it('rescales, then applies the first window', async () => {
    const rescale = [decimal(0x00281052, -1000), decimal(0x00281053, 10)];
    // From -750 to -250 of -1000 to 0.
    const first = [decimal(0x00281050, -499.5, 0), decimal(0x00281051, 501, 1)];
    assert.deepEqual(await shown(explicit(...image, ...rescale, ...first, ramp)), [0, 0, 128, 255, 255]);
  });

  it('applies exact and sigmoid windows', async () => {
    const shape = (value: string): TestElement => ({ tag: 0x00281056, vr: 'CS', value });
    const exact = explicit(...image, ...window(50, 100), shape('LINEAR_EXACT'), ramp);
    assert.deepEqual(await shown(exact), [0, 64, 128, 191, 255]);
    const sigmoid = explicit(...image, ...window(50, 100), shape('SIGMOID'), ramp);
    assert.deepEqual(await shown(sigmoid), [30, 69, 128, 186, 225]);
  });

  it('chooses a window by name, or by values', async () => {
    const windows: TestElement[] = [
      decimal(0x00281050, 50, 75),
      decimal(0x00281051, 101, 51),
      { tag: 0x00281055, vr: 'LO', value: 'SOFT\\Bone' },
    ];
    const file = explicit(...image, ...windows, ramp);
    assert.deepEqual(await shown(file, { window: 'BONE' }), [0, 0, 3, 130, 255]);
    assert.deepEqual(await shown(file, { window: { center: 25.5, width: 51 } }), [0, 128, 255, 255, 255]);
    await refuses(file, /without a window of the requested name/, { window: 'lung' });
  });

  it('prefers lookup tables to slope and window', async () => {
    const lut = (first: number, values: number[], bits: number): TestElement[] => [
      { tag: 0x00283002, vr: 'US', value: [values.length, first, bits] },
      { tag: 0x00283006, vr: 'OW', value: values },
    ];
    const tables: TestElement[] = [
      { tag: 0x00283000, vr: 'SQ', value: [lut(25, [7, 8], 16)] },
      { tag: 0x00283010, vr: 'SQ', value: [lut(7, [0, 255], 8)] },
    ];
    // Up to 25 is 7, from 26 on 8; these are black and white.
    const file = explicit(...image, ...tables, ...window(0, 1), ramp);
    assert.deepEqual(await shown(file), [0, 0, 255, 255, 255]);
  });

  it('reads a lookup table of bytes that is declared as one of words, and refuses one that is cut', async () => {
    const lut = (declared: number, bytes: number[]): TestElement => ({
      tag: 0x00283010,
      vr: 'SQ',
      value: [
        [
          { tag: 0x00283002, vr: 'US', value: [declared, 0, 16] },
          { tag: 0x00283006, vr: 'OB', value: Uint8Array.from(bytes) },
        ],
      ],
    });
    const table = Array.from({ length: 102 }, (_, i) => (i < 50 ? 0 : 255));
    assert.deepEqual(await shown(explicit(...image, lut(102, table), ramp)), [0, 0, 255, 255, 255]);
    await refuses(explicit(...image, lut(200, table), ramp), /a lookup table has fewer entries than/);
    await refuses(explicit(...image, lut(102, table.slice(0, 60)), ramp), /a lookup table has fewer/);
  });

  it('inverts MONOCHROME1', async () => {
    const inverted = imageElements({ width: 5, height: 1, photometric: 'MONOCHROME1' });
    assert.deepEqual(await shown(explicit(...inverted, ramp), full), [255, 191, 127, 64, 0]);
  });

  it('chooses the window from the pixels when there is none, and says so', async () => {
    const wide = imageElements({ width: 1000, height: 1 });
    const values = Array.from({ length: 1000 }, (_, i) =>
      i === 0 ? 0 : i === 999 ? 60000 - 65536 : 500 + (i % 101),
    );
    const file = explicit(...wide, nativePixels(values));
    const pixels = await shown(file);
    assert.ok(Math.max(...pixels.slice(1, 999)) === 255 && Math.min(...pixels.slice(1, 999)) === 0);
    const { notes } = await decodeDicom(file, DEFAULTS);
    assert.match(notes.join(), /without a window/);
    assert.deepEqual((await decodeDicom(explicit(...image, ...window(1, 2), ramp), DEFAULTS)).notes, []);
  });

  it('leaves padding out of the statistics', async () => {
    const signed = imageElements({ width: 5, height: 1, isSigned: true });
    const padding: TestElement[] = [
      { tag: 0x00280120, vr: 'SS', value: [-2000] },
      { tag: 0x00280121, vr: 'SS', value: [-1990] },
    ];
    const file = explicit(...signed, ...padding, nativePixels([-2000, -1995, 0, 50, 100]));
    assert.deepEqual(await shown(file, full), [0, 0, 0, 128, 255]);
  });

  it('stretches pixels that are not square', async () => {
    const tall = await decodeDicom(explicit(...image, decimal(0x00280030, 2, 1), ramp), DEFAULTS);
    assert.deepEqual([tall.width, tall.height], [5, 2]);
    const ratio: TestElement = { tag: 0x00280034, vr: 'IS', value: '1\\2' };
    const wide = await decodeDicom(explicit(...image, ratio, ramp), DEFAULTS);
    assert.deepEqual([wide.width, wide.height], [10, 1]);
    assert.equal(wide.levels.length, 10);
  });

  it('stretches about the center: a mirrored image stays the mirror image', async () => {
    const stretched = async (values: number[]) => {
      const file = explicit(...image, decimal(0x00280030, 1, 2), nativePixels(values));
      return shown(file, { window: { center: 128, width: 256 } });
    };
    const values = [0, 40, 200, 90, 255];
    assert.deepEqual((await stretched(values.toReversed())).toReversed(), await stretched(values));
  });

  it('reads the functional groups of a frame, then those of all frames', async () => {
    const frames = imageElements({ width: 2, height: 1, frames: 2 });
    const group = (slope: number) => [
      { tag: 0x00289145, vr: 'SQ', value: [[decimal(0x00281052, 0), decimal(0x00281053, slope)]] },
    ];
    const shared: TestElement = {
      tag: 0x52009229,
      vr: 'SQ',
      value: [[{ tag: 0x00289132, vr: 'SQ', value: [window(50.5, 101)] }]],
    };
    const own: TestElement = { tag: 0x52009230, vr: 'SQ', value: [group(1), group(10)] };
    const file = explicit(...frames, shared, own, nativePixels([0, 5, 0, 5]));
    assert.deepEqual(await shown(file), [0, 13]);
    assert.deepEqual(await shown(file, { frames: 1 }), [0, 128]);
  });
});

describe('strict', () => {
  const options = { strict: true, dicom: { frames: 'first', window: 'first' } } as const;
  const opened = (file: Uint8Array) => withImage(file, options, async ({ notes }) => notes);

  it('reads files without faults, whatever is noted about them', async () => {
    const frames = imageElements({ width: 2, height: 1, frames: 2 });
    const file = explicit(...frames, decimal(0x00280030, 2, 1), nativePixels([0, 5, 0, 5]));
    assert.equal((await opened(file)).length, 3);
  });

  it('refuses elements in another encoding than the declared one', async () => {
    const image = imageElements({ width: 2, height: 1 });
    const bare = dicomFile(SYNTAXES.implicit, [...image, nativePixels([0, 5])], { isBare: true });
    const file = Buffer.concat([explicit(), bare]);
    await assert.rejects(opened(file), /undeclared encoding/);
    assert.equal((await decodeDicom(file, DEFAULTS)).faults.length, 1);
  });
});

describe('DICOM files that are refused', () => {
  const image = imageElements({ width: 2, height: 2, bits: 8 });
  const pixels = nativePixels([1, 2, 3, 4], 8);

  it('names what is there instead of an image', async () => {
    const [document, report]: TestElement[][] = [
      [{ tag: 0x00420011, vr: 'OB', value: Uint8Array.of(1, 2) }],
      [{ tag: 0x0040a730, vr: 'SQ', value: [[]] }],
    ];
    await refuses(explicit(...(document ?? [])), /a document, not an image/);
    await refuses(explicit(...(report ?? [])), /structured report/);
    await refuses(explicit(...image), /without pixel data/);
  });

  it('names unsupported transfer syntaxes and kinds of pixels', async () => {
    const video = '1.2.840.10008.1.2.4.102';
    await refuses(encapsulatedFile(video, image, [Uint8Array.of(0)]), /is DICOM in MPEG-4, which is not/);
    await refuses(dicomFile('1.2.3.4', [...image, pixels]), /unknown or private transfer syntax/);
    const wide = imageElements({ width: 2, height: 2, bits: 64 });
    await refuses(explicit(...wide, pixels), /64 bits allocated/);
    const strange = imageElements({ width: 2, height: 2, bits: 8, photometric: 'SECRET NAME' });
    await refuses(explicit(...strange, pixels), /^is DICOM with this photometric interpretation, which/);
  });

  it('notices pixels that are missing, and lengths that lie', async () => {
    await refuses(explicit(...image, nativePixels([1, 2], 8)), /truncated: 2 of 4 bytes/);
    const file = explicit(...image, pixels);
    await refuses(file.subarray(0, file.length - 2), /truncated/);
    const lying = explicit({ tag: 0x00100010, vr: 'PN', value: 'Doe^Jane' }, ...image, pixels);
    lying.writeUInt16LE(60000, lying.indexOf('PN') + 2);
    await refuses(lying, /declares more bytes than there are/);
  });

  it('does not follow sequences without end', async () => {
    const deep = Buffer.concat([
      dicomFile(SYNTAXES.explicit, image.slice(0, 1)),
      ...Array.from({ length: 10_000 }, () =>
        Buffer.concat([
          Buffer.from('08004011', 'hex'),
          Buffer.from('SQ\0\0'),
          Buffer.from('fffffffffeff00e0ffffffff', 'hex'),
        ]),
      ),
    ]);
    await refuses(deep, /nested more than 64 levels/);
  });

  it('bounds the segments of a palette', async () => {
    const palette = imageElements({ width: 2, height: 2, bits: 8, photometric: 'PALETTE COLOR' });
    // 10,000 references to 20,000 empty segments, which begin at byte 80,000.
    const words = Array.from({ length: 40_000 }, (_, i) => [2, 20_000, 80_000 - 65_536, 1][i % 4] as number);
    words.push(...new Array<number>(40_000).fill(0));
    const tables = [1, 2, 3].flatMap((i): TestElement[] => [
      { tag: 0x00281100 + i, vr: 'US', value: [256, 0, 16] },
      { tag: 0x00281220 + i, vr: 'OW', value: words },
    ]);
    await refuses(explicit(...palette, ...tables, pixels), /too many segments/);
  });

  it('inflates no more than the header and the pixels need', async () => {
    const deflated = (...elements: TestElement[]) => dicomFile(SYNTAXES.deflated, [...image, ...elements]);
    const zeros = (tag: number, megabytes: number): TestElement => ({
      tag,
      vr: 'OB',
      value: Buffer.alloc(megabytes * 2 ** 20),
    });
    // Elements of a header may be large, and something may follow the pixels.
    await shown(
      deflated(zeros(0x00091001, 3), pixels, { tag: 0xfffcfffc, vr: 'OB', value: Buffer.alloc(999) }),
    );
    await refuses(deflated(zeros(0x00091001, 70), pixels), /unpacks to more than \d+ bytes, which/);
    await refuses(deflated(zeros(0x7fe00010, 3)), /unpacks to more than \d+ bytes, which/);
    await refuses(deflated(pixels).subarray(0, -5), /is truncated/);
  });

  it('refuses giant sizes before anything is decoded', async () => {
    const giant = imageElements({ width: 65535, height: 65535, bits: 8 });
    await refuses(explicit(...giant, pixels), /at most 100 million/);
  });

  it('counts memory by the declared size, however small the file', async () => {
    const large = imageElements({ width: 8000, height: 8000 });
    for (const syntax of [SYNTAXES.rle, SYNTAXES.jpeg2000]) {
      const file = encapsulatedFile(syntax, large, [Buffer.alloc(100)]);
      assert.ok(openDicom(file, DEFAULTS).memory > 8000 * 8000 * 16);
    }
  });

  it('puts no value of a tag into a message', async () => {
    const named: TestElement = { tag: 0x00100010, vr: 'PN', value: 'Planted^Name' };
    const file = explicit(named, ...image, pixels);
    for (let bytes = 0; bytes < file.length; bytes += 3) {
      try {
        await decodeDicom(file.subarray(0, bytes), DEFAULTS, 'image 1');
      } catch (error) {
        assert.ok(error instanceof ImageError, String(error));
        assert.doesNotMatch(error.message, /Planted|Name/);
      }
    }
  });
});
