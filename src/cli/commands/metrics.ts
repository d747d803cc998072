/** `gist metrics`: compares two folders of images, without a server. */
import type { Command } from 'commander';
import { useStack } from '../../client/stack/stack.js';
import { DatasetError, ImageError } from '../../core/errors.js';
import { METRICS } from '../../spec/metrics.js';
import { printResult, printNotice } from '../terminal.js';

/** Side in pixels to which images are resized before the network's own resize. */
const SIDE = 256;
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
      '\nExamples:\n  gist metrics --real knees/ --fake synthetic/\n  gist metrics --real knees.zip --fake s3://bucket/synthetic --json',
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
  const { compareImages } = await import('../../evaluation/index.js');
  const values = await compareImages(
    images(real),
    images(fake),
    (done) => done % 128 === 0 && printNotice(`${done} images processed`),
  );
  const lines = Object.entries(values).map(([name, value]) => `${name}  ${Number(value.toPrecision(6))}`);
  printResult(json, values, lines.join('\n'));
}

/** Yields every readable image of a source, square; reports and skips unreadable ones. */
async function* images(
  address: string,
): AsyncGenerator<{ pixels: Uint8Array; resolution: number; channels: 1 | 3 }> {
  const { openSource, processImage } = await import('../../imaging/index.js');
  const source = openSource(address);
  let found = 0;
  for await (const { name } of source.list()) {
    try {
      const pixels = await processImage(
        await source.read(name),
        { resolution: SIDE, square: 'crop', color: 'rgb' },
        name,
      );
      found++;
      yield { pixels, resolution: SIDE, channels: 3 };
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      printNotice(`skipped: ${error.message}`);
    }
  }
  if (found < MIN_IMAGES) {
    throw new DatasetError({
      what: `only ${found} readable images`,
      where: address,
      hint: 'Metrics need at least two images of each set.',
    });
  }
}
