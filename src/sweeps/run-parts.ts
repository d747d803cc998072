/** What the reports of all kinds of sweeps show of their runs. */
import sharp from 'sharp';
import { list } from '../report/elements.js';
import { findObject } from '../storage/find-object.js';
import type { ObjectStore } from '../storage/object-store.js';
import { paragraph, pngFigure, strip } from './page.js';

/** A run without a result. */
export interface MissingRun {
  runId: string;
  state: string;
  reason?: string;
}

export function missingHtml(sweepId: string, missing: readonly MissingRun[]): string {
  const items = missing.map(({ runId, state, reason }) => `${runId}: ${state}${reason ? `, ${reason}` : ''}`);
  return `${list(items)}${paragraph(`gist status ${sweepId} shows them. gist retry ${sweepId} runs again what has failed; what has finished is kept.`)}`;
}

/** A grid of synthetic images of one run. */
export interface Grid {
  caption: string;
  png: Uint8Array;
}

/** null when the run has none, or it is gone. */
export async function findGrid(
  store: ObjectStore,
  key: string | null,
  caption: string,
): Promise<Grid | null> {
  const png = key === null ? null : await findObject(store, key);
  return png ? { caption, png } : null;
}

/** @param where as in `at each size` */
export function gridsHtml(grids: readonly Grid[], where: string): string {
  return `${paragraph(`Images of the same seeds ${where}, without selection.`)}${strip(grids.map(({ caption, png }) => pngFigure(png, caption)))}`;
}

export async function rasterize(svg: string): Promise<Uint8Array> {
  return sharp(Buffer.from(svg), { density: 144 }).flatten({ background: '#ffffff' }).png().toBuffer();
}

/** Of the values that are there; null when none is. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  return present.length > 0 ? present.reduce((sum, value) => sum + value, 0) / present.length : null;
}
