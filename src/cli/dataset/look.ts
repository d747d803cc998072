/** `gist dataset split` and `duplicates`: what a data set would be, without building it. */
import { counted } from '../../core/counted.js';
import { useStack } from '../../client/stack/stack.js';
import type { SourceImage } from '../../imaging/index.js';
import { printResult, table } from '../terminal.js';
import { requirePrivateFile, writePrivateFile } from './private-file.js';
import { withBar } from './progress-bar.js';
import { type OptionValues, specOfOptions } from './spec-options.js';

interface LookOptions extends OptionValues {
  json?: boolean;
  list?: string;
}

/** Surveys and splits a source as the options say. */
async function look(address: string, options: OptionValues) {
  useStack();
  const { openSource, splitSurvey, surveySource } = await import('../../imaging/index.js');
  const spec = specOfOptions(address, options);
  const source = openSource(address);
  return withBar(async (onProgress) => {
    const survey = await surveySource(source, spec, { onProgress });
    return { survey, ...(await splitSurvey(source, spec, survey, { onProgress })) };
  });
}

/** Prints the number of images of each class on both sides; writes the side of each image. */
export async function split(address: string, { json, list, ...options }: LookOptions): Promise<void> {
  await requirePrivateFile(list, '--list');
  const { survey, split, duplicates } = await look(address, options);
  const { classes, labels } = survey.labels;
  const names = classes ?? ['all'];
  const count = (indices: Uint32Array, label: number) =>
    indices.reduce((sum, i) => sum + (labels[i] === label ? 1 : 0), 0);
  const rows = names.map((name, label) => ({
    label,
    class: name,
    train: count(split.train, label),
    holdout: count(split.holdout, label),
  }));
  const notices = [...survey.notices, ...duplicates.notices, ...split.notices];
  if (list !== undefined) {
    const line = (side: string) => (i: number) =>
      [survey.images.at(i)?.name ?? '', classes?.[labels[i] as number] ?? '', side].map(csvField).join(',');
    const lines = [
      'path,label,split',
      ...Array.from(split.train, line('train')),
      ...Array.from(split.holdout, line('holdout')),
    ];
    await writePrivateFile(list, `${lines.join('\n')}\n`);
  }
  const counts = table([
    ['label', 'class', 'training', 'holdout'],
    ...rows.map((row) => [String(row.label), row.class, String(row.train), String(row.holdout)]),
  ]);
  const text = [counts, ...notices.map((notice) => `note  ${notice}`)].join('\n');
  printResult(json, { classes: rows, leftOut: survey.leftOut, notices, list: list ?? null }, text);
}

function nameOf({ name, frame }: SourceImage): string {
  return frame === undefined ? name : `${name} (frame ${frame})`;
}

/** Quotes a field (RFC 4180). */
function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Prints the sets of copies in a source. */
export async function duplicates(address: string, { json, ...options }: LookOptions): Promise<void> {
  useStack();
  const { findDuplicates, openSource, surveySource } = await import('../../imaging/index.js');
  const spec = specOfOptions(address, { duplicates: 'near', ...options });
  const source = openSource(address);
  const { survey, found } = await withBar(async (onProgress) => {
    const survey = await surveySource(source, spec, { onProgress });
    return { survey, found: await findDuplicates(source, survey.images, spec, () => true, { onProgress }) };
  });
  const sets = found.sets.map(({ kind, images }) => ({
    kind,
    files: images.map((i) => nameOf(survey.images.at(i) as SourceImage)),
    labels: [
      ...new Set(images.map((i) => survey.labels.classes?.[survey.labels.labels[i] as number] ?? null)),
    ],
  }));
  const { exact, near } = found.report;
  const text = [
    `${counted(exact.sets, 'sets')} of ${counted(exact.images, 'files')} with the same bytes, ${counted(near.sets, 'sets')} of ${counted(near.images, 'images')} that look the same`,
    ...sets.map(({ kind, files }) => `\n${kind}:\n${files.map((file) => `  ${file}`).join('\n')}`),
    ...found.notices,
  ].join('\n');
  printResult(json, { report: found.report, sets, notices: found.notices }, text);
}
