/** Decodes lossless JPEG: process 14, any predictor (ITU-T T.81 annex H). */
import {
  BitReader,
  corrupt,
  type HuffmanTable,
  type JpegFrame,
  type JpegSegment,
  readHuffmanTables,
  readScan,
  readSegment,
  truncated,
} from '../pixels/jpeg-stream.js';

const [DHT, SOS, EOI, DRI] = [0xc4, 0xda, 0xd9, 0xdd];

/** @returns [height, width, components] samples. @throws ImageError */
export function decodeJpegLossless(
  jpeg: Uint8Array,
  frame: JpegFrame,
  segments: readonly JpegSegment[],
): Uint16Array {
  const { width, height, components, precision } = frame;
  if (components.some(({ h, v }) => h !== 1 || v !== 1))
    throw corrupt('its lossless JPEG components differ in size');
  if (precision < 2 || precision > 16) throw corrupt(`its JPEG precision is ${precision}`);
  const out = new Uint16Array(width * height * components.length);
  const tables = new Map<number, HuffmanTable>();
  let restartInterval = 0;
  const done = new Set<number>();
  let segment = segments[0];
  for (let i = 0; segment; i++) {
    const body = jpeg.subarray(segment.start, segment.end);
    if (segment.marker === DHT) readHuffmanTables(body, tables);
    if (segment.marker === DRI) restartInterval = ((body[0] ?? 0) << 8) | (body[1] ?? 0);
    let after = segment.end;
    if (segment.marker === SOS) {
      const scan = readScan(jpeg, segment);
      const planes = scan.parts.map(({ id, dc }) => {
        const index = components.findIndex((component) => component.id === id);
        const table = tables.get(dc);
        if (index < 0 || !table) throw corrupt('a JPEG scan names a component or table that is not there');
        done.add(index);
        return { index, table };
      });
      const bits = new BitReader(jpeg, segment.end);
      decodeScan(bits, out, frame, planes, { ...scan, restartInterval });
      if (done.size === components.length) return out;
      after = nextMarker(jpeg, bits.offset);
      if (jpeg[after + 1] === EOI) break;
    }
    segment = segments[i + 1] ?? readSegment(jpeg, after);
  }
  throw truncated();
}

/** Offset of the first marker from `offset` on. */
function nextMarker(jpeg: Uint8Array, offset: number): number {
  let at = offset;
  while (at + 1 < jpeg.length && !(jpeg[at] === 0xff && (jpeg[at + 1] as number) >= 0xc0)) at++;
  return at;
}

function decodeScan(
  bits: BitReader,
  out: Uint16Array,
  { width, height, components, precision }: JpegFrame,
  planes: readonly { index: number; table: HuffmanTable }[],
  scan: { spectralStart: number; pointTransform: number; restartInterval: number },
): void {
  const { spectralStart: predictor, pointTransform, restartInterval } = scan;
  if (predictor < 1 || predictor > 7) throw corrupt(`its JPEG predictor is ${predictor}`);
  const initial = 2 ** Math.max(0, precision - pointTransform - 1);
  const stride = width * components.length;
  let untilRestart = restartInterval;
  /** Row in which the prediction starts again. */
  let firstRow = 0;
  let isFirst = true;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (restartInterval > 0 && untilRestart-- === 0) {
        bits.restart();
        [untilRestart, firstRow, isFirst] = [restartInterval - 1, y, true];
      }
      for (const { index, table } of planes) {
        const at = y * stride + x * components.length + index;
        let prediction: number;
        if (isFirst) prediction = initial;
        else if (y === firstRow) prediction = (out[at - components.length] as number) >> pointTransform;
        else if (x === 0) prediction = (out[at - stride] as number) >> pointTransform;
        else prediction = predict(predictor, out, at, components.length, stride, pointTransform);
        const category = bits.decode(table);
        if (category > 16) throw corrupt('a JPEG difference has too many bits');
        const difference = category === 16 ? 32768 : bits.receive(category);
        out[at] = (prediction + difference) << pointTransform;
      }
      isFirst = false;
    }
  }
}

/** T.81 table H.1: a is to the left, b above, c above to the left. */
function predict(
  predictor: number,
  out: Uint16Array,
  at: number,
  pixel: number,
  stride: number,
  pointTransform: number,
): number {
  const a = (out[at - pixel] as number) >> pointTransform;
  if (predictor === 1) return a;
  const b = (out[at - stride] as number) >> pointTransform;
  const c = (out[at - stride - pixel] as number) >> pointTransform;
  if (predictor === 2) return b;
  if (predictor === 3) return c;
  if (predictor === 4) return a + b - c;
  if (predictor === 5) return a + ((b - c) >> 1);
  if (predictor === 6) return b + ((a - c) >> 1);
  return (a + b) >> 1;
}
