/** The pictures of a page, drawn from its input and fitted into its size. */
import { curveSvg } from './figures/curve.js';
import { grid } from './figures/grid.js';
import { classMaps, mapSvg } from './figures/map.js';
import { fitPictures, type Picture } from './figures/picture.js';
import type { ClassRow, ReportFigure, ReportInput } from './report-input.js';

export const IMAGES_PER_CLASS = 6;
/** Bytes of all pictures; as text in a page of less than 10 MB they are a third larger. */
const BUDGET = 6_500_000;

/** null where the page has no space for the picture. */
type Shown = Picture | null;

export interface DrawnRow {
  name: string | null;
  /** undefined: there are no images. */
  real?: Shown;
  synthetic?: Shown;
}

export interface DrawnFigures {
  rows: DrawnRow[];
  progression: { kimg: number; picture: Picture | null }[];
  /** SVG documents by metric. */
  curves: { metric: string; svg: string }[];
  map: { all: string; classes: { name: string; svg: string }[] } | null;
  /** By the `file` of the figure. */
  analyses: Map<string, Picture>;
  /** Strips by their metric. */
  strips: { metric: string; picture: Picture | null }[];
  figures: DrawnFigure[];
  dataset: DrawnFigure[];
}

export interface DrawnFigure extends Omit<ReportFigure, 'picture'> {
  picture: Picture | null;
}

export async function drawFigures(input: ReportInput): Promise<DrawnFigures> {
  const space = new Space();
  const rows = await Promise.all(input.rows.map((row) => drawRow(row, space)));
  const analyses = new Map<string, Picture>();
  for (const [file, picture] of Object.entries(input.analysisFigures))
    space.add(picture, (fitted) => fitted && analyses.set(file, fitted));
  const progression = input.progression.map(({ kimg, png }) =>
    space.fill({ kimg, picture: { type: 'png', bytes: png } as Shown }),
  );
  const strips = Object.entries(input.pictures ?? {}).map(([metric, png]) =>
    space.fill({ metric, picture: { type: 'png', bytes: png } as Shown }),
  );
  const figures = input.figures.map((figure) => space.fill<DrawnFigure>({ ...figure }));
  const dataset = input.dataset.figures.map((figure) => space.fill<DrawnFigure>({ ...figure }));
  await space.fit();
  return { rows, progression, curves: curves(input), map: map(input), analyses, strips, figures, dataset };
}

/** The pictures of a page, which share its bytes. */
class Space {
  private readonly slots: { picture: Picture; place: (fitted: Shown) => unknown }[] = [];

  add(picture: Picture, place: (fitted: Shown) => unknown): void {
    this.slots.push({ picture, place });
  }

  /** Its picture is replaced once all are fitted. */
  fill<Owner extends { picture: Shown }>(owner: Owner): Owner {
    if (owner.picture)
      this.add(owner.picture, (fitted) => {
        owner.picture = fitted;
      });
    return owner;
  }

  async fit(): Promise<void> {
    const fitted = await fitPictures(
      this.slots.map(({ picture }) => picture),
      BUDGET,
    );
    for (const [i, { place }] of this.slots.entries()) place(fitted[i] ?? null);
  }
}

async function drawRow({ name, real, synthetic }: ClassRow, space: Space): Promise<DrawnRow> {
  const row: DrawnRow = { name };
  for (const [side, images] of [['real', real] as const, ['synthetic', synthetic] as const]) {
    const bytes = await grid(images, IMAGES_PER_CLASS / 2);
    if (bytes)
      space.add({ type: 'png', bytes }, (fitted) => {
        row[side] = fitted;
      });
  }
  return row;
}

function curves({ curve, bestKimg }: ReportInput): DrawnFigures['curves'] {
  return [...new Set(curve.map(({ metric }) => metric))].flatMap((metric) => {
    const svg = curveSvg(curve, metric, bestKimg);
    return svg ? [{ metric, svg }] : [];
  });
}

function map({ map: points }: ReportInput): DrawnFigures['map'] {
  return points && { all: mapSvg(points), classes: classMaps(points) };
}
