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

/**
 * `crop` takes the central square; `pad` takes the whole image and centers it between black
 * borders. When the difference is odd, the extra pixel is cropped, or left black, on the right or
 * at the bottom.
 *
 * @param width width of the source in pixels.
 * @param height height of the source in pixels.
 * @param resolution side of the output in pixels.
 */
export function planSquare(
  width: number,
  height: number,
  resolution: number,
  square: 'crop' | 'pad',
): SquarePlan {
  if (square === 'crop') {
    const side = Math.min(width, height);
    return {
      source: {
        left: Math.floor((width - side) / 2),
        top: Math.floor((height - side) / 2),
        width: side,
        height: side,
      },
      target: { left: 0, top: 0, width: resolution, height: resolution },
    };
  }
  const side = Math.max(width, height);
  const inner = {
    width: Math.max(1, Math.round((resolution * width) / side)),
    height: Math.max(1, Math.round((resolution * height) / side)),
  };
  return {
    source: { left: 0, top: 0, width, height },
    target: {
      left: Math.floor((resolution - inner.width) / 2),
      top: Math.floor((resolution - inner.height) / 2),
      ...inner,
    },
  };
}
