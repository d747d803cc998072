/** The height of JPEG streams that have it after their first scan (ITU-T T.81, section B.2.5). */

const DNL = 0xdc;

/**
 * @param at offset of the marker that follows the first scan.
 * @returns the number of lines, or null when none is given.
 */
export function linesAfterScan(jpeg: Uint8Array, at: number): number | null {
  const [marker, code, high, low, first = 0, second = 0] = jpeg.subarray(at, at + 6);
  if (marker !== 0xff || code !== DNL || high !== 0 || low !== 4 || at + 6 > jpeg.length) return null;
  return (first << 8) | second;
}

/** Offset of the marker that ends the entropy-coded data after `from`; without one, the length. */
export function endOfScan(jpeg: Uint8Array, from: number): number {
  let at = jpeg.indexOf(0xff, from);
  while (at >= 0) {
    const code = jpeg[at + 1];
    if (code !== undefined && code !== 0 && code !== 0xff && !isStandalone(code)) return at;
    at = jpeg.indexOf(0xff, at + (code === 0xff ? 1 : 2));
  }
  return jpeg.length;
}

/** Markers without parameters that occur within a scan: TEM and restart markers. */
export function isStandalone(code: number): boolean {
  return code === 0x01 || (code >= 0xd0 && code <= 0xd7);
}
