/** `gist dataset export`: a data set as one .zip for StyleGAN3's tools. */
import { useStack } from '../../client/stack/stack.js';
import { UsageError } from '../../core/errors.js';
import { printResult } from '../terminal.js';
import { withBar } from './progress-bar.js';

interface ExportOptions {
  split: string;
  json?: boolean;
}

const SPLITS = { train: ['train'], holdout: ['holdout'], all: ['train', 'holdout'] } as const;

export async function exportDataset(
  address: string,
  file: string,
  { split, json }: ExportOptions,
): Promise<void> {
  const splits = SPLITS[split as keyof typeof SPLITS];
  if (!splits)
    throw new UsageError({
      what: `--split ${split} is not known`,
      hint: 'Write --split train, holdout or all.',
    });
  useStack();
  const { exportZip } = await import('../../imaging/index.js');
  const { openStore } = await import('../../storage/index.js');
  const images = await withBar((onProgress) =>
    exportZip(openStore(address), '', file, { splits, onProgress }),
  );
  printResult(json, { file, images }, `${images} images are in ${file}`);
}
