/** Finds the content of an image between uniform borders, as collimation leaves them. */
import { withChannels } from './color.js';
import type { DecodedImage } from './decoded-image.js';
import type { Rectangle } from './square.js';

/** Gray levels by which pixels of a border may differ from its level: detectors have noise. */
const TOLERANCE = 10;
/** Share of the pixels of a line that must have the level of the border: markers may lie in it. */
const SHARE = 0.98;
/** Content below this share of a side is taken for a blank image, and nothing is trimmed. */
const LEAST_CONTENT = 1 / 8;

export function wholeImage({ width, height }: { width: number; height: number }): Rectangle {
  return { left: 0, top: 0, width, height };
}

/**
 * A border has one level per side, that of the outermost line. Rows are trimmed first, then columns
 * of the rows that are left.
 */
export async function findContent(image: DecodedImage): Promise<Rectangle> {
  const { width, height } = image;
  const [left, right] = [new Uint8Array(height), new Uint8Array(height)];
  let [first, last]: (Uint8Array | undefined)[] = [];
  for await (const { row, y } of grayRows(image)) {
    first ??= row.slice();
    if (y === height - 1) last = row.slice();
    left[y] = row[0] as number;
    right[y] = row[width - 1] as number;
  }
  if (!first || !last) return wholeImage(image);
  const [top, bottom] = await trimRows(image, median(first), median(last));
  const [start, end] = await trimColumns(
    image,
    [top, bottom],
    [median(left.subarray(top, bottom)), median(right.subarray(top, bottom))],
  );
  const content = { left: start, top, width: end - start, height: bottom - top };
  const isBlank = content.width < width * LEAST_CONTENT || content.height < height * LEAST_CONTENT;
  return isBlank ? wholeImage(image) : content;
}

/** @returns the first row of the content, and the first row below it */
async function trimRows(image: DecodedImage, above: number, below: number): Promise<[number, number]> {
  const { width, height } = image;
  const [isAbove, isBelow] = [new Array<boolean>(height), new Array<boolean>(height)];
  for await (const { row, y } of grayRows(image)) {
    isAbove[y] = countNear(row, above) >= SHARE * width;
    isBelow[y] = countNear(row, below) >= SHARE * width;
  }
  return innerRange(isAbove, isBelow);
}

/** @returns the first column of the content, and the first column to its right */
async function trimColumns(
  image: DecodedImage,
  [top, bottom]: readonly [number, number],
  levels: readonly [number, number],
): Promise<[number, number]> {
  const counts = levels.map(() => new Uint32Array(image.width)) as [Uint32Array, Uint32Array];
  for await (const { row, y } of grayRows(image)) {
    if (y < top || y >= bottom) continue;
    for (let x = 0; x < row.length; x++) {
      for (let side = 0; side < 2; side++) {
        const count = counts[side] as Uint32Array;
        if (Math.abs((row[x] as number) - (levels[side] as number)) <= TOLERANCE)
          count[x] = (count[x] as number) + 1;
      }
    }
  }
  const [isLeft, isRight] = counts.map((count) =>
    Array.from(count, (near) => near >= SHARE * (bottom - top)),
  ) as [boolean[], boolean[]];
  return innerRange(isLeft, isRight);
}

/** The range without the lines of the border at its start, and of the border at its end. */
function innerRange(isStart: readonly boolean[], isEnd: readonly boolean[]): [number, number] {
  let start = 0;
  while (start < isStart.length && isStart[start]) start++;
  let end = isEnd.length;
  while (end > start && isEnd[end - 1]) end--;
  return [start, end];
}

function countNear(row: Uint8Array, level: number): number {
  let count = 0;
  for (let x = 0; x < row.length; x++) if (Math.abs((row[x] as number) - level) <= TOLERANCE) count++;
  return count;
}

function median(values: Uint8Array): number {
  return values.slice().sort()[values.length >> 1] ?? 0;
}

async function* grayRows(image: DecodedImage): AsyncGenerator<{ row: Uint8Array; y: number }> {
  let y = 0;
  for await (const rows of image.rows()) {
    const gray = withChannels(rows, image.channels, 1);
    for (let at = 0; at < gray.length; at += image.width, y++)
      yield { row: gray.subarray(at, at + image.width), y };
  }
}
