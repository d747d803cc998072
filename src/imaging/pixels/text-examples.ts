/** Shows text that is drawn into images of a source, so that its owner can look at it. */
import { ImageError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { settingsOf } from './frame-settings.js';
import { mapInOrder } from '../in-flight.js';
import { withBytes } from '../source/bounded-read.js';
import type { Sequence } from '../source/column.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
import { findText } from './burned-in.js';
import { grayOf } from './color.js';
import { withImage } from './decode.js';
import type { DecodedImage } from './decoded-image.js';
import { encodePng } from './png.js';
import type { Rectangle } from './square.js';

/** Images that are searched, evenly spaced. */
const SAMPLE = 500;
const MOST_EXAMPLES = 12;
const CONCURRENT_IMAGES = 4;

export interface TextExamples {
  searched: number;
  /** Images that seem to have text. */
  found: number;
  /** Regions with text, PNG. They may name patients. */
  examples: Uint8Array[];
}

/** Images that cannot be decoded have no text. */
export async function findTextExamples(
  source: ImageSource,
  images: Sequence<SourceImage>,
  spec: PreprocessSpec,
  { onProgress }: { onProgress?: OnProgress } = {},
): Promise<TextExamples> {
  const searched = Math.min(SAMPLE, images.length);
  const step = images.length / searched;
  const sample = Array.from({ length: searched }, (_, i) => images.at(Math.floor(i * step)) as SourceImage);
  const settings = { ...spec, privacy: { ...spec.privacy, burnedIn: 'warn' as const } };
  const look = (image: SourceImage) =>
    withBytes(source, image, (bytes) => withImage(bytes, settingsOf(settings, image), regionWithText)).catch(
      nothingOfDamaged,
    );
  const found: TextExamples = { searched, found: 0, examples: [] };
  let done = 0;
  for await (const region of mapInOrder(sample, CONCURRENT_IMAGES, look)) {
    if (region) found.found++;
    if (region && found.examples.length < MOST_EXAMPLES) found.examples.push(region);
    onProgress?.({ done: ++done, total: searched, unit: 'images searched for text' });
  }
  return found;
}

async function regionWithText(image: DecodedImage): Promise<Uint8Array | null> {
  const { width, height } = image;
  const gray = await grayOf(image);
  const [box] = findText(gray, width, height);
  if (!box) return null;
  const { left, top, ...size } = withMargin(box, width, height);
  const region = new Uint8Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    const start = (top + y) * width + left;
    region.set(gray.subarray(start, start + size.width), y * size.width);
  }
  return encodePng(region, size.width, size.height, 1);
}

/** The height of the line around it. */
function withMargin(box: Rectangle, width: number, height: number): Rectangle {
  const [left, top] = [Math.max(0, box.left - box.height), Math.max(0, box.top - box.height)];
  const right = Math.min(width, box.left + box.width + box.height);
  const bottom = Math.min(height, box.top + 2 * box.height);
  return { left, top, width: right - left, height: bottom - top };
}

function nothingOfDamaged(error: unknown): null {
  if (error instanceof ImageError) return null;
  throw error;
}
