/** The names of planned images, which a plan may hide. */
import type { PrivacySpec } from '../../spec/preprocess.js';
import type { ObjectStore } from '../../storage/index.js';
import type { SourceImage } from '../source/image-source.js';
import { hiddenName } from './dataset-manifest.js';
import { type NameSeal, readSeal } from './name-seal.js';
import type { PlannedImage } from './plan-file.js';

/** An image of the plan, and as the source lists it. */
export interface NamedImage {
  planned: PlannedImage;
  image: SourceImage;
}

/** The name of an image as a plan has it. @param position of its file in the list, from 1 */
export function nameInPlan(
  name: string,
  position: number,
  { names, seal }: { names: PrivacySpec['names']; seal: NameSeal },
): Pick<PlannedImage, 'name' | 'sealed'> {
  return names === 'keep' ? { name } : { name: hiddenName(position), sealed: seal.seal(name) };
}

/** Names that the plan hides are read with its key. */
export async function readNames(
  store: ObjectStore,
  digest: string,
  planned: readonly PlannedImage[],
): Promise<NamedImage[]> {
  const isSealed = planned.some(({ sealed }) => sealed !== undefined);
  const seal = isSealed ? await readSeal(store, digest) : null;
  return planned.map((line) => {
    const { sealed, bytes, identity, frame } = line;
    const name = seal && sealed !== undefined ? seal.open(sealed) : line.name;
    const image = { name, bytes, identity };
    return { planned: line, image: frame === undefined ? image : { ...image, frame } };
  });
}
