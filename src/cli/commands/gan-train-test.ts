/** `gist gan-train-test`: trains classifiers on folders of images by class, without a server. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { useStack } from '../../client/stack/stack.js';
import { DatasetError, UsageError } from '../../core/errors.js';
import { RandomStream } from '../../core/random.js';
import type { ClassifiedSets } from '../../evaluation/gan-train-test/labeled-images.js';
import type { AnalysisResult, AnalysisTable } from '../../spec/analyses.js';
import {
  CLASSIFIER_NETWORKS,
  type ClassifierPlan,
  type GanTrainTestSpec,
  ganTrainTestSchema,
} from '../../spec/gan-train-test.js';
import type { ObjectStore } from '../../storage/index.js';
import { classOf, images, type Listed, listed, NO_FOLDER, optionsOf } from '../compared-images.js';
import { ComparisonView } from '../comparison-view.js';
import { analysisText } from '../stream-analysis.js';
import { printNotice, printResult, table } from '../terminal.js';

/** Without `--holdout`, one real image of this many is held out, of each class. */
const HELD_OUT = 5;
const RESULT_FILE = 'gan-train-test.json';

interface Options {
  real: string;
  fake: string;
  holdout?: string;
  classifiers: string;
  initial: string;
  seeds: string;
  steps?: string;
  subset?: string[];
  out: string;
  json?: boolean;
}

export function registerGanTrainTest(program: Command): void {
  program
    .command('gan-train-test')
    .description('train classifiers on real and synthetic images, without a server: GAN-train and GAN-test')
    .requiredOption(
      '--real <address>',
      'folder, .zip or s3:// address with a folder of real images of each class',
    )
    .requiredOption('--fake <address>', 'the same of synthetic images, with the same names of folders')
    .option('--holdout <address>', 'real images that neither the generator nor a classifier has seen')
    .option('--classifiers <names>', `of ${CLASSIFIER_NETWORKS.join(',')}`, 'small')
    .addOption(
      new Option('--initial <weights>', 'of the networks of the paper; auto: ImageNet weights if imported')
        .choices(['auto', 'imagenet', 'scratch'])
        .default('auto'),
    )
    .option('--seeds <number>', 'classifiers of each kind', '3')
    .option('--steps <number>', 'training steps of each classifier (default: by the number of images)')
    .option('--subset <classes...>', 'compare these classes by themselves too')
    .option('--out <folder>', 'folder for the result and for checkpoints', 'gan-train-test')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      `
The class of an image is its first folder. Images are brought to the size and color of the first synthetic one. The same
command again resumes where it was interrupted, and trains nothing twice.

Examples:
  gist gan-train-test --real train/ --holdout test/ --fake synthetic/
  gist gan-train-test --real knees.zip --fake synthetic/ --classifiers small,resnet101 --seeds 5
  gist gan-train-test --real train/ --holdout test/ --fake synthetic/ --subset grade-0 grade-3
  gist generate --checkpoint RUN --class grade-0 --seeds 0-199 --out synthetic/grade-0`,
    )
    .action(ganTrainTest);
}

async function ganTrainTest(options: Options): Promise<void> {
  const spec = specOf(options);
  useStack();
  const { RecordedSets } = await import('../../evaluation/gan-train-test/recorded-sets.js');
  const { planFor } = await import('../../evaluation/gan-train-test/plan.js');
  const { classifierAnalysis } = await import('../../evaluation/gan-train-test/analysis.js');
  const { openStore } = await import('../../storage/index.js');
  const { train, holdout, synthetic, caveats } = await listSets(options);
  const square = await optionsOf(synthetic);
  const view = new ComparisonView();
  const sets = new RecordedSets();
  try {
    for (const [name, set] of Object.entries({ train, holdout, synthetic }))
      await sets.record(name as 'train', images(set, square, view, { byClass: true }));
    const counts = sets.counts();
    const plan = await planFor(counts, sets.identity(), spec);
    const store = openStore(path.resolve(options.out));
    await trainAll(plan, { store, sets, spec, view });
    view.stop();
    const analysis = await classifierAnalysis(store, {
      ...plan,
      caveats: [...caveats, ...plan.caveats],
    });
    const file = path.join(options.out, RESULT_FILE);
    const result = { images: counts, ...analysis };
    await writeFile(file, `${JSON.stringify(result, null, 1)}\n`);
    printResult(options.json, result, [...textOf(analysis), '', `Result: ${file}`].join('\n'));
  } finally {
    view.stop();
    await sets.remove();
  }
}

/** @throws UsageError for an option that is no setting of classifiers */
function specOf({ classifiers, initial, seeds, steps, subset }: Options): GanTrainTestSpec {
  const parsed = ganTrainTestSchema.safeParse({
    classifiers: classifiers.split(',').map((name) => name.trim()),
    initial,
    seeds: Number(seeds),
    ...(steps !== undefined && { steps: Number(steps) }),
    ...(subset && { subsets: [subset] }),
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UsageError({
    what: issue?.message ?? 'is no valid setting',
    where: `--${String(issue?.path[0] ?? 'classifiers').replace('subsets', 'subset')}`,
    hint: '`gist gan-train-test --help` has examples.',
  });
}

interface ListedSets {
  train: Listed;
  holdout: Listed;
  synthetic: Listed;
  caveats: string[];
}

/** In random order, so that the first images of a set are of all classes. */
async function listSets({ real, fake, holdout }: Options): Promise<ListedSets> {
  const { openSource } = await import('../../imaging/index.js');
  const open = async (address: string) => {
    const set = await listed(openSource(address), address);
    requireClasses(set);
    return { ...set, names: new RandomStream(0, 'order of images').shuffle([...set.names]) };
  };
  const [train, synthetic] = [await open(real), await open(fake)];
  if (holdout !== undefined) return { train, holdout: await open(holdout), synthetic, caveats: [] };
  const seen = new Map<string, number>();
  const isHeldOut = train.names.map((name) => {
    const count = (seen.get(classOf(name)) ?? 0) + 1;
    seen.set(classOf(name), count);
    return count % HELD_OUT === 0;
  });
  const side = (held: boolean): Listed => ({
    ...train,
    names: train.names.filter((_, i) => isHeldOut[i] === held),
  });
  const caveat = `One real image of ${HELD_OUT} was held out at random. A generator that was trained on these images has seen it, and images of one patient may be on both sides: both make the results too good. Give real images that were set aside before the training (--holdout).`;
  return { train: side(false), holdout: side(true), synthetic, caveats: [caveat] };
}

/** @throws DatasetError for images without folders */
function requireClasses({ names, address }: Listed): void {
  if (names.some((name) => classOf(name) !== NO_FOLDER)) return;
  throw new DatasetError({
    what: 'has no folders, so the classes of its images are unknown',
    where: address,
    hint: 'Put the images of each class into a folder with the name of the class.',
  });
}

interface TrainingOptions {
  store: ObjectStore;
  sets: ClassifiedSets;
  spec: GanTrainTestSpec;
  view: ComparisonView;
}

async function trainAll(plan: ClassifierPlan, { store, sets, spec, view }: TrainingOptions): Promise<void> {
  const { trainOn } = await import('../../evaluation/gan-train-test/train.js');
  const total = plan.jobs.length;
  for (const [i, job] of plan.jobs.entries()) {
    const of = `classifier ${i + 1} of ${total} (${job.network}, ${job.trainedOn.replaceAll('_', ' ')})`;
    await trainOn(store, sets, { job, checkpointSeconds: spec.checkpointSeconds }, (progress) =>
      view.step(`${of}: ${progress.unit}`, progress.done, progress.total),
    );
  }
  if (total > 0) printNotice(`${total} classifiers are trained and tested`);
}

/** Without the values, which the first table has. */
function textOf(analysis: AnalysisResult): string[] {
  const tables = analysis.tables.flatMap((each) => ['', each.title, table(rowsOf(each))]);
  return [...analysisText({ ...analysis, values: [] }), ...tables];
}

function rowsOf({ columns, rows, digits }: AnalysisTable): string[][] {
  const shown = (cell: string | number | null) =>
    cell === null ? '-' : typeof cell === 'number' ? cell.toFixed(digits) : cell;
  return [columns, ...rows.map((row) => row.map(shown))];
}
