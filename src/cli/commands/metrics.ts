/** `gist metrics`: compares two folders of images, without a server. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { useStack } from '../../client/stack/stack.js';
import { UsageError } from '../../core/errors.js';
import type { ClassedImage, Evaluation } from '../../evaluation/index.js';
import { analysisMetrics } from '../../spec/analyses.js';
import { IMAGE_ANALYSES } from '../../spec/evaluate.js';
import type { ProcessOptions } from '../../imaging/index.js';
import { BASE_METRICS } from '../../spec/metric-descriptors.js';
import {
  isGeneratorMetric,
  METRIC_NAMES,
  type MetricName,
  METRICS,
  metricsOn,
  NETWORK_NAMES,
  type NetworkName,
} from '../../spec/metrics.js';
import { images, type Listed, listed, optionsOf } from '../compared-images.js';
import { ComparisonView } from '../comparison-view.js';
import { analysisText, streamAnalysis, writeRejected } from '../stream-analysis.js';
import { printResult, table } from '../terminal.js';

interface MetricsOptions {
  real: string;
  fake: string;
  extractor: NetworkName;
  metrics?: string;
  byClass?: boolean;
  analyses?: string;
  holdout?: string;
  rejectAbove?: string;
  out?: string;
  json?: boolean;
}

export function registerMetrics(program: Command): void {
  program
    .command('metrics')
    .description(`compare two sets of images, without a server: ${titles()}`)
    .requiredOption('--real <address>', 'folder, .zip or s3:// address of real images')
    .requiredOption('--fake <address>', 'the same of synthetic ones')
    .addOption(
      new Option('--extractor <name>', 'network of the features; `gist weights fetch` brings its weights')
        .choices([...NETWORK_NAMES])
        .default('effnetlite0'),
    )
    .option('--metrics <names>', 'only these, separated by commas: fid50k_full,kid50k_full')
    .option('--by-class', 'also for the images of each class: the first folder of their names')
    .option(
      '--analyses <names>',
      `only these of ${IMAGE_ANALYSES.join(',')}, or none (default: all; none with --metrics)`,
    )
    .option('--holdout <address>', 'real images that the generator has not seen: what copies are told by')
    .option(
      '--reject-above <share>',
      'list the synthetic images that are more unusual than this share of real ones, such as 0.99, in rejected.txt',
    )
    .option('--out <folder>', 'write figures, and lists of the analyses, into this folder')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nBoth sets are cropped and resized as `preprocess` does, to the size and color of the first synthetic image, so the\nvalues are those of the evaluate stage for the same images. `real_halves` compares two random halves of the real\nimages: the value to read the others by.\n\nExamples:\n  gist metrics --real knees/ --fake synthetic/\n  gist metrics --real knees.zip --fake s3://bucket/synthetic --json\n  gist metrics --real knees/ --fake synthetic/ --extractor inception --metrics fid50k_full,is50k\n  gist metrics --real training/ --holdout unseen/ --fake synthetic/ --out evidence/\n  gist metrics --real knees/ --fake synthetic/ --analyses artifacts --reject-above 0.99 --out evidence/\n  gist metrics --real knees/ --fake synthetic/ --by-class --out evidence/',
    )
    .action(metrics);
}

function titles(): string {
  return Object.values(BASE_METRICS)
    .map(({ title }) => title)
    .join(', ');
}

async function metrics({
  real,
  fake,
  extractor,
  metrics: names,
  byClass,
  ...options
}: MetricsOptions): Promise<void> {
  const selected = names === undefined ? metricsOn(extractor) : parseMetrics(names, extractor);
  useStack();
  const { openSource } = await import('../../imaging/index.js');
  const { compareImages } = await import('../../evaluation/index.js');
  const view = new ComparisonView();
  // Options are checked before anything is listed.
  const analysis = await streamAnalysis({ ...options, metrics: names }, extractor, (step, done, total) =>
    view.step(step, done, total),
  );
  const [ours, theirs] = [await listed(openSource(real), real), await listed(openSource(fake), fake)];
  const square = await optionsOf(theirs);
  const judged: string[] = [];
  const unseen =
    options.holdout === undefined ? null : await listed(openSource(options.holdout), options.holdout);
  const recorded = (set: 'train' | 'synthetic', stream: AsyncGenerator<ClassedImage>) =>
    analysis ? analysis.record(set, stream) : stream;
  try {
    const evaluation = await compareImages(
      recorded('train', images(ours, square, view, { byClass })),
      recorded('synthetic', images(theirs, square, view, { byClass, onImage: (name) => judged.push(name) })),
      selected,
      {
        onBatch: (done) => view.images(done),
        onMetric: (done, total) => view.metrics(done, total),
        analysis: analysis && {
          extractor,
          run: (a, b) => analysis.run(a, b, unseen && images(unseen, square, view)),
        },
      },
    );
    view.stop();
    const sizes = await sizeCaveat([ours, theirs], square);
    const files = options.out === undefined ? [] : await writeFigures(options.out, evaluation);
    if (options.out !== undefined && options.rejectAbove !== undefined)
      files.push(...(await writeRejected(options.out, judged, evaluation.analyses)));
    const told = { ...evaluation, caveats: [...evaluation.caveats, ...sizes] };
    printEvaluation(options.json, told, { extractor, files });
  } finally {
    view.stop();
    await analysis?.remove();
  }
}

/** What resizing has changed, if the images are not all of the size of the comparison. */
async function sizeCaveat(sets: readonly Listed[], { resolution }: ProcessOptions): Promise<string[]> {
  const { sidesOf } = await import('../../evaluation/index.js');
  const sides = new Set<number>();
  for (const { source, names } of sets) for (const side of await sidesOf(source, names)) sides.add(side);
  if ([...sides].every((side) => side === resolution)) return [];
  return [
    `The images have different sizes (${Math.min(...sides)} to ${Math.max(...sides)} pixels a side) and were brought to ${resolution}: resizing changes sharpness and noise, and so the distances.`,
  ];
}

/** @throws UsageError for an unknown metric, or one of another extractor */
function parseMetrics(names: string, extractor: NetworkName): MetricName[] {
  return names.split(',').map((name) => {
    const known = METRIC_NAMES.find((metric) => metric === name.trim());
    if (known === undefined)
      throw new UsageError({
        what: `there is no metric "${name.trim().slice(0, 60)}"`,
        where: '--metrics',
        hint: `With --extractor ${extractor} there are: ${metricsOn(extractor).join(', ')}.`,
      });
    if (isGeneratorMetric(known))
      throw new UsageError({
        what: `${known} asks the generator for images`,
        where: '--metrics',
        hint: 'Name it in `evaluate.metrics` of a run.',
      });
    const own = METRICS[known].extractor;
    if (own !== null && own !== 'radiomics' && own !== extractor)
      throw new UsageError({
        what: `${known} uses the features of ${own}, not of ${extractor}`,
        where: '--metrics',
        hint: `Give --extractor ${own}.`,
      });
    return known;
  });
}

/** Draws the figures of metrics; analyses have written theirs. @returns the files of both */
async function writeFigures(out: string, { fits, analyses }: Evaluation): Promise<string[]> {
  const { fitFigure } = await import('../../evaluation/index.js');
  const folder = path.join(out, 'figures');
  await mkdir(folder, { recursive: true });
  const files = analyses.flatMap(({ figures }) => figures.map(({ file }) => path.join(out, file)));
  for (const [name, fit] of Object.entries(fits)) {
    const file = path.join(folder, `${name}.svg`);
    await writeFile(file, fitFigure(name, fit));
    files.push(file);
  }
  return files;
}

function printEvaluation(
  json: boolean | undefined,
  { metrics: values, caveats, extractors, intervals, fits, classes, analyses }: Evaluation,
  { extractor, files }: { extractor: NetworkName; files: readonly string[] },
): void {
  const text = [
    table([['metric', 'value', '95 % interval'], ...valueRows(values, intervals)]),
    ...classes.flatMap(({ class: name, images, ...own }) => {
      const counts = Object.entries(images).map(([set, count]) => `${count} ${set}`);
      return ['', `Class ${name} (${counts.join(', ')}):`, table(valueRows(own.metrics, own.intervals))];
    }),
    '',
    `Extractors: ${Object.values(extractors).join(', ') || 'none'}`,
    ...files.map((file) => `Figure: ${file}`),
    ...caveats.map((caveat) => `Note: ${caveat}`),
    ...analyses.flatMap(analysisText),
  ];
  const all = { ...values, ...analysisMetrics(analyses) };
  const details = { extractor, extractors, intervals, fits, classes, caveats, analyses };
  printResult(json, { ...all, ...details }, text.join('\n'));
}

function valueRows(values: Readonly<Record<string, number>>, intervals: Evaluation['intervals']): string[][] {
  const shown = (value: number) => String(Number(value.toPrecision(6)));
  return Object.entries(values).map(([name, value]) => {
    const interval = intervals[name];
    return [name, shown(value), interval ? `${shown(interval.low)} to ${shown(interval.high)}` : ''];
  });
}
