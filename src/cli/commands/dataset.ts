/** `gist dataset`: builds, shows and converts data sets without a workflow. */
import type { Command } from 'commander';

/** Commands with an option for each key of `preprocess`, or for some of the keys. */
const KEYS: Record<string, readonly string[] | undefined> = {
  build: undefined,
  import: undefined,
  inspect: undefined,
  split: undefined,
  duplicates: undefined,
};

export function registerDataset(program: Command): void {
  const dataset = program
    .command('dataset')
    .description('build, show and convert data sets; needs no server and no TensorFlow')
    // The schema that options are generated from is loaded only where it is needed.
    .hook('preSubcommand', async (_, command) => {
      if (!(command.name() in KEYS)) return;
      const { addKeyOptions } = await import('../dataset/spec-options.js');
      addKeyOptions(command, KEYS[command.name()]);
    });
  dataset
    .command('build')
    .description('turn images into a data set')
    .argument('<source>', 'folder, .zip or s3:// address of images')
    .requiredOption(
      '--out <address>',
      'folder or s3:// address; the data set is written to a new folder in it',
    )
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  gist dataset build knees/ --out data --resolution 64\n  gist dataset build knees.zip --out s3://bucket/data --labels none\n  gist dataset build xrays/ --out data --labels \'{"csv": "labels.csv", "label": "Finding"}\' --holdout-by patient',
    )
    .action(async (source: string, options) => (await import('../dataset/build.js')).build(source, options));
  dataset
    .command('import')
    .description("turn a .zip of StyleGAN's tools into a data set; images keep their size, none is held out")
    .argument('<source>', '.zip, folder or s3:// address')
    .requiredOption(
      '--out <address>',
      'folder or s3:// address; the data set is written to a new folder in it',
    )
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist dataset import ffhq-256x256.zip --out data')
    .action(async (source: string, options) =>
      (await import('../dataset/build.js')).importZip(source, options),
    );
  dataset
    .command('export')
    .description("write a data set as one .zip that StyleGAN3's tools read")
    .argument('<address>', 'folder or s3:// address that holds its manifest.json')
    .argument('<file>', 'the .zip, a path or an s3:// address')
    .option('--split <side>', 'train, holdout or all', 'train')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist dataset export data/datasets/0f3a5c... knees.zip')
    .action(async (address: string, file: string, options) =>
      (await import('../dataset/export.js')).exportDataset(address, file, options),
    );
  dataset
    .command('inspect')
    .description('show a data set, or what a source of images would give')
    .argument('<address>', 'data set, or folder, .zip or s3:// address of images')
    .option('--html <file>', 'also write a page with a contact sheet')
    .option('--source <address>', 'images of the data set: names those that were rejected')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  gist dataset inspect data/datasets/0f3a5c...\n  gist dataset inspect knees/ --html knees.html\n  gist dataset inspect data/datasets/0f3a5c... --source knees/',
    )
    .action(async (address: string, options) =>
      (await import('../dataset/inspect.js')).inspect(address, options),
    );
  dataset
    .command('list')
    .description('list the data sets of a store')
    .argument('<address>', 'folder or s3:// address that data sets were written to')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist dataset list data')
    .action(async (address: string, options) =>
      (await import('../dataset/inspect.js')).list(address, options),
    );
  dataset
    .command('split')
    .description('show which images would be held out')
    .argument('<source>', 'folder, .zip or s3:// address of images')
    .option('--list <file>', 'write the side of each image to a CSV file')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist dataset split knees/ --holdout 0.1 --list split.csv')
    .action(async (source: string, options) => (await import('../dataset/look.js')).split(source, options));
  dataset
    .command('duplicates')
    .description('list copies of images, the same bytes or the same look')
    .argument('<source>', 'folder, .zip or s3:// address of images')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist dataset duplicates knees/')
    .action(async (source: string, options) =>
      (await import('../dataset/look.js')).duplicates(source, options),
    );
}
