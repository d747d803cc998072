/** Computes how a rectangular image is cropped or padded to a square. */

/** A region of an image, in whole pixels. */
export interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

/**
 * The region of the source, and its position in the square output. The rest of the output is black.
 */
export interface SquarePlan {
  source: Rectangle;
  target: Rectangle;
}

/** Width over height of the central region that is kept. */
const ASPECTS = { crop: 1, wide: 4 / 3, tall: 3 / 4 };

/**
 * `crop` takes the central square; `pad` the whole image; `wide` and `tall` the central region of
 * 4:3 and 3:4. What is not square is centered between black borders. When a difference is odd, the
 * extra pixel is cropped, or left black, on the right or at the bottom.
 *
 * @param content the part of the image that is used, for example without its borders.
 * @param resolution side of the output in pixels.
 */
export function planSquare(
  content: Rectangle,
  resolution: number,
  square: keyof typeof ASPECTS | 'pad',
): SquarePlan {
  const aspect = square === 'pad' ? content.width / content.height : ASPECTS[square];
  const source = square === 'pad' ? content : centralRegion(content, aspect);
  const width = Math.max(1, Math.round(resolution * Math.min(1, aspect)));
  const height = Math.max(1, Math.round(resolution / Math.max(1, aspect)));
  return {
    source,
    target: {
      left: Math.floor((resolution - width) / 2),
      top: Math.floor((resolution - height) / 2),
      width,
      height,
    },
  };
}

/** The largest central region with the given aspect. */
function centralRegion({ left, top, width, height }: Rectangle, aspect: number): Rectangle {
  const inner = {
    width: Math.max(1, Math.min(width, Math.round(height * aspect))),
    height: Math.max(1, Math.min(height, Math.round(width / aspect))),
  };
  return {
    left: left + Math.floor((width - inner.width) / 2),
    top: top + Math.floor((height - inner.height) / 2),
    ...inner,
  };
}
