/**
 * Preview images of a training: those of the averaged generator, and real ones to compare them
 * with.
 */
import { createProgram } from '../nn/program/program.js';
import { generatorVariables, samplerOf } from '../generation/checkpoint-sampler.js';
import type { ClassShare } from '../generation/classes.js';
import type { NetworkConfig } from '../gan/config.js';
import { encodeRawPng, tile } from '../generation/image-grid.js';
import type { Sampler } from '../generation/sampler.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { TrainingImages } from './data.js';
import { keptGraph } from './kept-graph.js';

/** Name of the grid of real images beside a run's checkpoints. */
const REAL_IMAGES = 'reals.png';

const COLUMNS = 8;
/**
 * Rows of an unconditional preview; a conditional one has a row for each class, up to the maximum.
 */
const ROWS = 5;
const MAX_ROWS = 10;

/**
 * Generates the same seeds with each snapshot's weights; a row for each class. The first grid
 * compiles the generator.
 */
export class PreviewPainter {
  private sampler: Sampler | null = null;
  private load: ((variables: Record<string, Float32Array>) => Promise<void>) | null = null;

  constructor(
    private readonly config: NetworkConfig,
    private readonly mode: 'graph' | 'eager',
    private readonly classes: ClassShare[] | null,
  ) {}

  /** PNG of the grid. @param variables of the training, with the weight average under `G_ema.` */
  async paint(variables: Record<string, Float32Array>): Promise<Uint8Array> {
    const sampler = this.sampler ?? (await this.open());
    await this.load?.(variables);
    const cells = gridCells(this.classes);
    const images = await sampler.generate(
      cells.map((_, seed) => seed),
      cells,
      1,
    );
    return encodeRawPng(tile(images, COLUMNS, this.config.resolution, this.config.channels));
  }

  dispose(): void {
    this.sampler?.dispose();
  }

  private async open(): Promise<Sampler> {
    const { definition, sampler } = samplerOf(this.config, this.classes, COLUMNS);
    const program = await createProgram(definition, {
      mode: this.mode,
      kept: keptGraph({ program: 'preview', config: this.config, batch: COLUMNS }),
    });
    this.load = (variables) => program.restore(generatorVariables(variables, definition));
    this.sampler = sampler(program);
    return this.sampler;
  }
}

/** Class of each cell, row by row. */
export function gridCells(classes: ClassShare[] | null): (number | null)[] {
  const rows = classes ? Math.min(classes.length, MAX_ROWS) : ROWS;
  return Array.from({ length: rows * COLUMNS }, (_, cell) => (classes ? Math.floor(cell / COLUMNS) : null));
}

/** Stores the grid of real images, unless an earlier attempt did. */
export async function keepRealImages(
  store: ObjectStore,
  runPrefix: string,
  classes: ClassShare[] | null,
  load: () => Promise<TrainingImages>,
): Promise<void> {
  const key = `${runPrefix}${REAL_IMAGES}`;
  if (!(await store.head(key))) await store.put(key, await paintRealImages(await load(), classes));
}

/**
 * The first real images of each class, arranged as in a preview; a class with too few repeats its
 * own.
 */
async function paintRealImages(images: TrainingImages, classes: ClassShare[] | null): Promise<Uint8Array> {
  const shown = new Map<number | null, number[]>();
  for (let i = 0; i < images.count; i++) {
    const key = classes ? images.label(i) : null;
    const list = shown.get(key) ?? [];
    if (list.length < COLUMNS * (classes ? 1 : ROWS)) list.push(i);
    shown.set(key, list);
  }
  const used = new Map<number | null, number>();
  const black = new Uint8Array(images.resolution ** 2 * images.channels);
  const pictures = gridCells(classes).map((label) => {
    const list = shown.get(label) ?? [];
    const turn = used.get(label) ?? 0;
    used.set(label, turn + 1);
    const index = list[turn % Math.max(1, list.length)];
    return index === undefined ? black : images.pixels(index);
  });
  return encodeRawPng(tile(pictures, COLUMNS, images.resolution, images.channels === 1 ? 1 : 3));
}
