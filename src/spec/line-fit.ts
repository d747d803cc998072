/** A line through values of parts of a set, extended to infinitely many images. */

export interface LineFit {
  /** Share of the images of both sets, and the distance of these parts. */
  points: { share: number; images: number; value: number }[];
  /** value = intercept + slope / share */
  intercept: number;
  slope: number;
  /** Standard error of the intercept, from the distances of the points to the line. */
  error: number;
}
