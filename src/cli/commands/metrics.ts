/** `gist metrics`: compares two folders of images, without a server. */
import type { Command } from 'commander';
import { useStack } from '../../client/stack/stack.js';
import { DatasetError, ImageError } from '../../core/errors.js';
import type { ImageSource, ProcessOptions } from '../../imaging/index.js';
import { METRICS } from '../../spec/metrics.js';
import { printResult, printNotice } from '../terminal.js';

const MIN_IMAGES = 2;

interface MetricsOptions {
  real: string;
  fake: string;
  json?: boolean;
}

export function registerMetrics(program: Command): void {
  program
    .command('metrics')
    .description(`compare two sets of images, without a server: ${titles()}, on EfficientNet-Lite0 features`)
    .requiredOption('--real <address>', 'folder, .zip or s3:// address of real images')
    .requiredOption('--fake <address>', 'the same of synthetic ones')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nBoth sets are cropped and resized as `preprocess` does, to the size and color of the first synthetic image, so the\nvalues are those of the evaluate stage for the same images.\n\nExamples:\n  gist metrics --real knees/ --fake synthetic/\n  gist metrics --real knees.zip --fake s3://bucket/synthetic --json',
    )
    .action(metrics);
}

function titles(): string {
  return Object.values(METRICS)
    .map(({ title }) => title)
    .join(', ');
}

async function metrics({ real, fake, json }: MetricsOptions): Promise<void> {
  useStack();
  const { openSource } = await import('../../imaging/index.js');
  const { compareImages } = await import('../../evaluation/index.js');
  const synthetic = openSource(fake);
  const options = await optionsOf(synthetic, fake);
  const values = await compareImages(
    images(openSource(real), real, options),
    images(synthetic, fake, options),
    (done) => done % 128 === 0 && printNotice(`${done} images processed`),
  );
  const lines = Object.entries(values).map(([name, value]) => `${name}  ${Number(value.toPrecision(6))}`);
  printResult(json, values, lines.join('\n'));
}

/** The size and color of the first readable image, to which all images are brought. */
async function optionsOf(source: ImageSource, address: string): Promise<ProcessOptions> {
  const { ownOptions } = await import('../../imaging/index.js');
  for await (const { name } of source.list()) {
    try {
      return await ownOptions(await source.read(name), name);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
    }
  }
  throw tooFew(0, address);
}

/** Yields every readable image of a source, square; reports and skips unreadable ones. */
async function* images(
  source: ImageSource,
  address: string,
  options: ProcessOptions,
): AsyncGenerator<{ pixels: Uint8Array; resolution: number; channels: 1 | 3 }> {
  const { channelsOf, processImage } = await import('../../imaging/index.js');
  const { resolution, color } = options;
  let found = 0;
  for await (const { name } of source.list()) {
    try {
      const pixels = await processImage(await source.read(name), options, name);
      found++;
      yield { pixels, resolution, channels: channelsOf(color) };
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      printNotice(`skipped: ${error.message}`);
    }
  }
  if (found < MIN_IMAGES) throw tooFew(found, address);
}

function tooFew(found: number, address: string): DatasetError {
  return new DatasetError({
    what: `only ${found} readable images`,
    where: address,
    hint: 'Metrics need at least two images of each set.',
  });
}
