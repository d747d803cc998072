/** The synthetic images that look least like real ones: their list, and their heat maps. */
import type { AnalysisFigure, AnalysisTable } from '../../spec/analyses.js';
import type { AnalysisOutlets, AnalyzedSets } from '../analyses/analyzed-set.js';
import { blended, colored, galleryPng, heatColors } from '../analyses/gallery.js';
import { type Found, faultsOf, ranking, SCORE_TITLES } from './found.js';
import type { ScoredSets } from './scores.js';

const SHOWN = 12;
const LISTED = 50;

export function worstTable(found: Found): AnalysisTable {
  return {
    title: `The most unusual synthetic images (of all, ${LISTED} at most)`,
    columns: ['synthetic image', 'real images as unusual', 'unusual by'],
    rows: ranking(found)
      .slice(0, LISTED)
      .map((index) => [
        index,
        found.calibration.pValue(found.combined.synthetic[index] as number).toExponential(1),
        faultsOf(found, index)
          .map(({ name }) => SCORE_TITLES[name])
          .join(', ') || 'no single score',
      ]),
    digits: 0,
    kind: 'table',
  };
}

export async function worstFigure(
  { synthetic, holdout }: AnalyzedSets,
  found: Found,
  { keep }: AnalysisOutlets,
): Promise<AnalysisFigure[]> {
  if (!keep || !holdout) return [];
  const worst = ranking(found).slice(0, SHOWN);
  const cells = await Promise.all(
    worst.map(async (index) => {
      const image = colored(await synthetic.pixels.read(index), synthetic.channels);
      return [image, blended(image, heatColors(enlarged(found.scored, index, synthetic.side)))];
    }),
  );
  const across = 3;
  const rows = Array.from({ length: Math.ceil(cells.length / across) }, (_, row) =>
    cells.slice(row * across, (row + 1) * across).flatMap((cell) => [...cell, null]),
  );
  const file = 'figures/artifacts-worst.png';
  await keep(file, await galleryPng(rows, synthetic.side));
  const why = worst.map((index) => `${index} (${faultsOf(found, index)[0]?.name ?? 'no single score'})`);
  return [
    {
      title: 'The most unusual synthetic images',
      caption: `Each image beside its heat map: the brighter, the less a part looks like that part of real images. Row by row: ${why.join(', ')}.`,
      alt: `The ${worst.length} synthetic images that look least like real ones, with maps of their unusual parts.`,
      file,
    },
  ];
}

/** The patch map at the side of the image, 1 at twice the most that real images reach. */
function enlarged({ map, grid, mapScale }: ScoredSets, index: number, side: number): Float32Array {
  const values = map(index);
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [row, column] = [Math.floor(i / side), i % side].map((at) => Math.floor((at * grid) / side)) as [
      number,
      number,
    ];
    return (values[row * grid + column] as number) / (2 * mapScale);
  });
}
