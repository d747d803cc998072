/** Selects the real images of a preview without decoding the whole data set. */
import type { Dataset } from '../../imaging/dataset/dataset-reader.js';
import type { ClassShare } from '../../generation/classes.js';
import { gridCells } from '../preview.js';
import type { TrainingImages } from '../data.js';

/** A class without enough images among these gets fewer pictures than its row has cells. */
const LOOKED_AT = 5_000;

/** The first training images, as many of each class as the grid has cells for. */
export async function firstImages(dataset: Dataset, classes: ClassShare[] | null): Promise<TrainingImages> {
  const wanted = new Map<number | null, number>();
  for (const cell of gridCells(classes)) wanted.set(cell, (wanted.get(cell) ?? 0) + 1);
  const found: { label: number | null; pixels: Uint8Array }[] = [];
  for await (const { label, pixels } of dataset.images('train', { limit: LOOKED_AT })) {
    const key = classes ? label : null;
    const open = wanted.get(key) ?? 0;
    if (open === 0) continue;
    found.push({ label, pixels });
    wanted.set(key, open - 1);
    if ([...wanted.values()].every((left) => left === 0)) break;
  }
  const { resolution, channels, classes: names } = dataset.manifest;
  return {
    count: found.length,
    resolution,
    channels,
    classes: names,
    label: (index) => found[index]?.label ?? null,
    pixels: (index) => found[index]?.pixels ?? new Uint8Array(resolution ** 2 * channels),
  };
}
