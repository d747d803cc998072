/**
 * The data card of synthetic images, as Markdown: what they were made from and how, what they may
 * be used for, their limits (Mitchell et al. 2019, "Model Cards for Model Reporting"; Pushkarna et
 * al. 2022, "Data Cards").
 */
import { type AnalysisResult, type Interval, REJECTION_VALUES } from '../spec/analyses.js';
import type { CardSpec } from '../spec/generate.js';
import { findMetricValue } from '../spec/metrics.js';
import type { SyntheticManifest } from './synthetic-manifest.js';

/** File name of the card, beside the images. */
export const DATA_CARD = 'DATA-CARD.md';

export interface CardEvaluation {
  runId: string;
  metrics: Readonly<Record<string, number>>;
  intervals: Readonly<Record<string, Interval>>;
  analyses: readonly AnalysisResult[];
}

/** All data that a card shows; null: unknown. */
export interface CardFacts {
  /** What the images are called: a run and its set, or a checkpoint. */
  name: string;
  card: CardSpec;
  images: {
    count: number;
    resolution: number;
    channels: 1 | 3;
    /** Images of each class; null when unconditional. */
    classes: { name: string; images: number }[] | null;
  };
  generator: {
    checkpoint: string;
    /** SHA-256 of the weights. */
    weights: string | null;
    cfg: string;
    kimg: number;
    truncationPsi: number;
    /** Seeds of the images, such as `0 to 479`. */
    seeds: string;
    /** Run, checkpoint or weights that the training started from. */
    transferredFrom: string | null;
  };
  /** The real images behind the generator; null: nothing is recorded of them. */
  real: {
    digest: string;
    train: number | null;
    holdout: number | null;
    classes: { name: string; images: number }[] | null;
  } | null;
  /** How images were chosen after they were drawn; null: they were not. */
  selection: NonNullable<SyntheticManifest['selection']> | null;
  /** Of all images, before any were left out. */
  evaluation: CardEvaluation | null;
  /** Command that makes the same images again. */
  reproduce: string;
}

const UNSTATED = 'Not stated';

/** All text of users is escaped: names of classes may hold any character. */
export function dataCard(facts: CardFacts): string {
  const parts = [
    `# Data card: ${plain(facts.name)}`,
    '> Synthetic images, drawn by a neural network. They are no images of patients, and they are not\n> for diagnosis.',
    summary(facts),
    origin(facts),
    making(facts),
    use(facts),
    limits(),
    privacy(facts),
    quality(facts),
    again(facts),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(title: string, ...body: string[]): string {
  return [`## ${title}`, ...body.filter((part) => part !== '')].join('\n\n');
}

function table(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([name, value]) => `| ${name} | ${value} |`);
  return ['| | |', '|---|---|', ...lines].join('\n');
}

function items(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}

function summary({ card, images }: CardFacts): string {
  const { count, resolution, channels, classes } = images;
  const kind = channels === 1 ? 'gray' : 'color';
  return section(
    'Summary',
    table([
      ['Images', `${count}, ${resolution} x ${resolution} pixels, ${kind}`],
      ['Classes', classes ? perClass(classes) : 'none'],
      ['Modality, as the maker states it', plain(card.modality ?? UNSTATED)],
      ['License', plain(card.license ?? `${UNSTATED}: ask the maker before you use the images`)],
      ['Contact', plain(card.contact ?? UNSTATED)],
    ]),
  );
}

function origin({ real, generator }: CardFacts): string {
  if (!real)
    return section(
      'What it was made from',
      'Nothing is recorded of the images that the generator was trained on: its weights were imported, or its checkpoint is no longer in the store.',
    );
  const { train, holdout, digest, classes } = real;
  const transfer = generator.transferredFrom;
  return section(
    'What it was made from',
    items([
      `The generator learned from ${train ?? 'an unknown number of'} real images${holdout === null ? '' : `; ${holdout} more were held out and not used in training`}.`,
      ...(classes ? [`Real training images of each class: ${perClass(classes)}.`] : []),
      `Digest of the data set: \`${code(digest)}\`.`,
      ...(transfer
        ? [`The training started from ${plain(transfer)}, whose own training images count as well.`]
        : []),
      'The set holds no names, dates, identifiers or files of patients. The real images are not part of it.',
    ]),
  );
}

function making({ generator, selection, evaluation }: CardFacts): string {
  const { cfg, kimg, truncationPsi, seeds, checkpoint, weights } = generator;
  return section(
    'How it was made',
    table([
      ['Generator', plain(cfg)],
      ['Training', kimg > 0 ? `${kimg} thousand real images shown` : 'unknown'],
      [
        'Truncation psi',
        `${truncationPsi}${truncationPsi < 1 ? ' (less variety than the generator has)' : ''}`,
      ],
      ['Seeds', seeds],
      ['Checkpoint', `\`${code(checkpoint)}\``],
      ['SHA-256 of the weights', weights ? `\`${weights}\`` : 'unknown'],
    ]),
    selection
      ? selected(selection, evaluation)
      : `No image was selected or removed after it was drawn.${rejection(evaluation)}`,
  );
}

/** What was left out, and what that costs in variety. */
function selected(
  { from, rejectAbove, images, judged, rejected }: NonNullable<CardFacts['selection']>,
  evaluation: CardEvaluation | null,
): string {
  const measured = valuesOfRejection(evaluation);
  const percent = Number((100 * rejectAbove).toFixed(4));
  const effects = (['recall', 'coverage'] as const).flatMap((name) => {
    const [all, accepted] = [measured(REJECTION_VALUES[name].all), measured(REJECTION_VALUES[name].accepted)];
    return all === undefined || accepted === undefined
      ? []
      : [`${name} of unseen real images is ${accepted.toFixed(3)}; of all images it was ${all.toFixed(3)}`];
  });
  return [
    `Images were left out after they were drawn: of ${judged} images of \`${code(from)}\`, ${rejected} are more unusual than ${percent} % of real ones by their artifact score.`,
    ...(images > judged ? [`${images - judged} more were not judged, and are left out too.`] : []),
    'Rare findings are unusual too, so they may be rarer in this set than in that one.',
    ...(effects.length > 0 ? [`Variety: ${effects.join('; ')}.`] : []),
  ].join(' ');
}

/** The set that images were rejected from has them all the same. */
function rejection(evaluation: CardEvaluation | null): string {
  const count = valuesOfRejection(evaluation)(REJECTION_VALUES.count);
  if (!evaluation || count === undefined) return '';
  return ` The evaluation of run \`${code(evaluation.runId)}\` rejects ${count} images, because they are more unusual than real ones. They are part of this set; a second set is without them, with a card of its own.`;
}

function valuesOfRejection(evaluation: CardEvaluation | null): (name: string) => number | undefined {
  const values = evaluation?.analyses.find(({ analysis }) => analysis === 'artifacts')?.values ?? [];
  return (name) => values.find((value) => value.name === name)?.value;
}

/** The evaluation is that of all images. */
function ofAll({ selection }: CardFacts): string {
  return selection
    ? `These values are those of all ${selection.judged} images, before any were left out.`
    : '';
}

function use({ card }: CardFacts): string {
  return section(
    'Intended use',
    plain(
      card.intendedUse ??
        `${UNSTATED} by the maker. Typical uses are tests of software, teaching, and more training images for an algorithm that is then tested on real images.`,
    ),
    'Not for: diagnosis, treatment, or the test of a medical device; statements about how often a finding occurs; passing the images off as real.',
  );
}

function limits(): string {
  return section(
    'Limits',
    items([
      'The generator repeats the gaps and imbalances of its training images: what is rare or missing there is rarer here.',
      'Single images may show impossible anatomy. A class label says what the generator was asked for, not what an expert sees.',
      'An algorithm that was trained on these images must be tested on real ones.',
    ]),
  );
}

function privacy(facts: CardFacts): string {
  const { evaluation } = facts;
  const title = 'Privacy';
  const always =
    'A generator can reproduce images that it was trained on. No figure proves that the images are anonymous.';
  if (!evaluation)
    return section(
      title,
      'No privacy figures were computed. Review the images before you share them.',
      always,
    );
  const { analyses } = evaluation;
  const memorization = analyses.find(({ analysis }) => analysis === 'memorization');
  const found = memorization
    ? [plain(memorization.statement), valueTable(memorization), items(memorization.caveats.map(plain))]
    : ['No search for copies of training images was made. Review the images before you share them.'];
  return section(title, ofAll(facts), ...found, metricTable(evaluation, ['authenticity']), always);
}

function valueTable({ values }: AnalysisResult): string {
  const rows = values.map(({ title, value, digits, interval, floor }) => {
    const range = interval ? ` (${interval.low.toFixed(digits)} to ${interval.high.toFixed(digits)})` : '';
    const real = floor === undefined ? '' : `; real images: ${floor.toFixed(digits)}`;
    return [plain(title), `${value.toFixed(digits)}${range}${real}`] as const;
  });
  return rows.length > 0 ? table(rows) : '';
}

function quality(facts: CardFacts): string {
  const { evaluation } = facts;
  if (!evaluation) return section('Quality', 'No quality figures were computed.');
  const { analyses, metrics, runId } = evaluation;
  const images = (['synthetic', 'train', 'holdout'] as const).flatMap((set) =>
    metrics[`images.${set}`] === undefined ? [] : [`${metrics[`images.${set}`]} ${set}`],
  );
  return section(
    'Quality',
    `From the evaluation of run \`${code(runId)}\`, on ${images.join(', ') || 'no'} images.`,
    ofAll(facts),
    metricTable(evaluation, ['fd', 'kid', 'pr']),
    items(
      analyses
        .filter(({ analysis }) => analysis !== 'memorization')
        .map(({ title, statement }) => `${plain(title)}: ${plain(statement)}`),
    ),
  );
}

/** Values of some metrics, each beside that of two real sets. */
function metricTable({ metrics, intervals }: CardEvaluation, bases: readonly string[]): string {
  const shown = (value: number | undefined) =>
    value === undefined ? '' : String(Number(value.toPrecision(4)));
  const rows = Object.entries(metrics).flatMap(([name, value]) => {
    const found = findMetricValue(name);
    if (!found?.floor || !bases.includes(found.metric.base)) return [];
    const interval = intervals[name];
    const range = interval ? ` (${shown(interval.low)} to ${shown(interval.high)})` : '';
    return [`| \`${name}\` | ${shown(value)}${range} | ${shown(metrics[found.floor])} |`];
  });
  return rows.length > 0
    ? ['| measure | synthetic images | two real sets |', '|---|---|---|', ...rows].join('\n')
    : 'None of these values was computed.';
}

function again({ reproduce, name }: CardFacts): string {
  return section(
    'Reproducing and citing',
    `The same images, by GIST with the same weights:\n\n\`\`\`\n${reproduce}\n\`\`\``,
    `To cite the set, name GIST, this card (${plain(name)}), the SHA-256 of the weights, the seeds and the truncation.`,
  );
}

function perClass(classes: readonly { name: string; images: number }[]): string {
  return classes.map(({ name, images }) => `${plain(name)}: ${images}`).join(', ');
}

/** Text without the meaning of Markdown or HTML, on one line. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|#~]/g, (character) => `\\${character}`);
}

/** Text for a code span. */
function code(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[`|]/g, '');
}
