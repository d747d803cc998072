/** Writes lossless JPEG and 12-bit JPEG for tests: valid streams, not small ones. */

/** Collects bits, with the stuffed bytes of JPEG. */
class BitWriter {
  private readonly out: number[] = [];
  private buffer = 0;
  private bits = 0;

  write(value: number, bits: number): void {
    for (let i = bits - 1; i >= 0; i--) {
      this.buffer = (this.buffer << 1) | ((value >> i) & 1);
      if (++this.bits === 8) this.flush();
    }
  }

  end(): Buffer {
    while (this.bits > 0) this.write(1, 1);
    return Buffer.from(this.out);
  }

  private flush(): void {
    this.out.push(this.buffer);
    if (this.buffer === 0xff) this.out.push(0);
    [this.buffer, this.bits] = [0, 0];
  }
}

/** Symbols 0 to 16 as codes of 5 bits. */
const CODE_BITS = 5;
const SYMBOLS = Array.from({ length: 17 }, (_, i) => i);

function huffmanTable(destination: number): number[] {
  const counts = new Array<number>(16).fill(0);
  counts[CODE_BITS - 1] = SYMBOLS.length;
  return [destination, ...counts, ...SYMBOLS];
}

function segment(marker: number, body: readonly number[]): Buffer {
  return Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body]);
}

function writeDifference(bits: BitWriter, difference: number): void {
  const size = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1;
  bits.write(size, CODE_BITS);
  if (size > 0 && size < 16) bits.write(difference < 0 ? difference + 2 ** size - 1 : difference, size);
}

function stream(frame: number[], marker: number, tables: Buffer[], scan: number[], data: Buffer): Buffer {
  const [start, end] = [Buffer.from([0xff, 0xd8]), Buffer.from([0xff, 0xd9])];
  return Buffer.concat([start, ...tables, segment(marker, frame), segment(0xda, scan), data, end]);
}

/** Process 14 with one of the seven predictors. `values` are [height, width, components]. */
export function encodeJpegLossless(
  values: ArrayLike<number>,
  width: number,
  height: number,
  {
    precision,
    components = 1,
    predictor = 1,
  }: { precision: number; components?: number; predictor?: number },
): Buffer {
  const bits = new BitWriter();
  const stride = width * components;
  for (let i = 0; i < width * height * components; i++) {
    const [x, y] = [Math.floor((i % stride) / components), Math.floor(i / stride)];
    const value = (at: number) => values[at] as number;
    const [a, b, c] = [value(i - components), value(i - stride), value(i - stride - components)];
    const inner = [0, a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1];
    const prediction =
      y === 0 ? (x === 0 ? 2 ** (precision - 1) : a) : x === 0 ? b : (inner[predictor] as number);
    // Differences are modulo 2^16 (T.81 section H.1.2.1).
    const difference = (((value(i) - prediction) << 16) >> 16) as number;
    writeDifference(bits, difference === -32768 ? 32768 : difference);
  }
  const ids = Array.from({ length: components }, (_, i) => i + 1);
  const frame = [precision, height >> 8, height & 255, width >> 8, width & 255, components];
  const scan = [components, ...ids.flatMap((id) => [id, 0]), predictor, 0, 0];
  const shape = [...frame, ...ids.flatMap((id) => [id, 0x11, 0])];
  return stream(shape, 0xc3, [segment(0xc4, huffmanTable(0))], scan, bits.end());
}

/** 12-bit extended sequential JPEG of flat blocks: `levels` are [rows, columns] of 8 x 8 pixels. */
export function encodeFlatJpeg12(levels: readonly (readonly number[])[]): Buffer {
  const bits = new BitWriter();
  let previous = 0;
  for (const level of levels.flat()) {
    // The transform of a flat block is 8 times its level.
    const dc = (level - 2048) * 8;
    writeDifference(bits, dc - previous);
    previous = dc;
    bits.write(0, CODE_BITS);
  }
  const [height, width] = [levels.length * 8, (levels[0]?.length ?? 0) * 8];
  const frame = [12, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0];
  const tables = [
    segment(0xdb, [0, ...new Array<number>(64).fill(1)]),
    segment(0xc4, [...huffmanTable(0), ...huffmanTable(0x10)]),
  ];
  return stream(frame, 0xc1, tables, [1, 1, 0, 0, 63, 0], bits.end());
}

/** A stream whose height follows its only scan: zero in the frame, and a DNL segment at the end. */
export function withLateHeight(jpeg: Buffer, frameMarker: number, lines: number): Buffer {
  const head = Buffer.from(jpeg.subarray(0, -2));
  head.writeUInt16BE(0, head.indexOf(Buffer.from([0xff, frameMarker])) + 5);
  return Buffer.concat([head, Buffer.from([0xff, 0xdc, 0, 4, lines >> 8, lines & 0xff, 0xff, 0xd9])]);
}
