/** Names the rejected images of a data set, whose manifest has the numbers of their files. */
import { DatasetError } from '../../core/errors.js';
import { preprocessSchema } from '../../spec/preprocess.js';
import { openSource } from '../source/source.js';
import type { RejectedImage } from './dataset-manifest.js';
import { digestOf } from './plan.js';
import { positionsOf, type SurveyOptions, surveySource } from './survey.js';

/** What a manifest, or the list of a data set that was not made, has. */
export interface RejectedList {
  rejected: readonly RejectedImage[];
  digest?: string;
  settings?: Record<string, unknown>;
}

/**
 * Lists the source again. Numbers of files mean something only while it is the same, which the
 * digest tells.
 *
 * @throws DatasetError when it has changed, or is another one
 */
export async function nameRejected(
  { rejected, digest, settings }: RejectedList,
  address: string,
  options: SurveyOptions = {},
): Promise<RejectedImage[]> {
  if (!rejected.some(({ position }) => position !== undefined)) return [...rejected];
  const spec = preprocessSchema.parse({ ...settings, source: address });
  const survey = await surveySource(openSource(address), spec, options);
  if ((await digestOf(survey, spec)) !== digest) {
    throw new DatasetError({
      what: 'is not the source of this data set, or has changed since',
      where: address,
      hint: 'Build the data set again, or inspect it without --source.',
    });
  }
  const wanted = new Set(rejected.map(({ position }) => position));
  const names = new Map<number, string>();
  const positions = positionsOf(survey);
  for (const [i, { name }] of survey.images.entries())
    if (wanted.has(positions[i])) names.set(positions[i] as number, name);
  return rejected.map((image) => ({ ...image, name: names.get(image.position ?? 0) ?? image.name }));
}
