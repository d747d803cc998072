/** The `preprocess` section of a spec: how a folder of images becomes a data set. */
import { z } from 'zod';
import { dicomKeyword, isIdentifying } from './dicom-keywords.js';
import { uri } from './fields.js';
import { patternProblem } from './path-pattern.js';

export const RESOLUTIONS = [16, 32, 64, 128, 256, 512, 1024] as const;

const percentile = z.number().min(0).max(100);
function isPattern(group: 'label' | 'patient') {
  return (value: string, context: z.core.$RefinementCtx<string>): void => {
    const message = patternProblem(value, group);
    if (message) context.addIssue({ code: 'custom', message });
  };
}

const keyword = z.string().refine((name) => dicomKeyword(name) !== undefined, {
  error: 'must be a DICOM keyword such as ViewPosition, or the number of an element such as 00185101',
});

const classKeyword = keyword.refine((name) => !isIdentifying(name), {
  error: 'must not tell patients or studies apart: its values would be the names of the classes',
});

const labelsSchema = z.union([
  z.enum(['auto', 'folders', 'none']),
  z
    .strictObject({
      csv: uri.describe('A file in the source, a path, or an address.'),
      path: z.string().min(1).optional().describe('Column of the paths or file names.'),
      label: z
        .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
        .optional()
        .describe(
          'Column of the labels, or a list of columns, one for each finding, with 1, 0, -1 (uncertain) or blank.',
        ),
      patient: z.string().min(1).optional().describe('Column of the patients.'),
      separator: z.string().min(1).default('|').describe('Between several findings in a cell.'),
      findings: z
        .union([z.enum(['first', 'combined']), z.strictObject({ one: z.string().min(1) })])
        .default('combined')
        .describe('Several findings of an image: the first, all as one class, or one against the rest.'),
      uncertain: z
        .enum(['exclude', 'positive', 'negative'])
        .default('exclude')
        .describe(
          'Uncertain findings (-1 in their column): images whose label depends on one are left out, or it counts as present or as absent.',
        ),
    })
    .describe('Labels from a CSV file with a header.'),
  z.strictObject({ json: uri }).describe("Labels from a JSON file: StyleGAN's, or names with labels."),
  z
    .strictObject({ path: z.string().max(500).superRefine(isPattern('label')) })
    .describe('A regular expression over the path with the group (?<label>...), and (?<patient>...).'),
  z.strictObject({ dicom: classKeyword }).describe('The value of a DICOM tag, by its keyword.'),
]);

/** Values by DICOM keyword. */
const whereSchema = z.record(
  keyword.refine((name) => !isIdentifying(name), {
    error: 'must not tell patients or studies apart: its values would be stored with the settings',
  }),
  z.union([z.string(), z.number(), z.array(z.union([z.string(), z.number()])).min(1)]),
);
export type WhereSpec = z.output<typeof whereSchema>;

const dicomSchema = z.strictObject({
  frames: z
    .union([z.enum(['first', 'middle', 'all']), z.int().min(0)])
    .default('first')
    .describe(
      'Which frame of a file with several is used: first, middle, its number from 0, or all, each as an image of its own.',
    ),
  window: z
    .union([z.string().min(1), z.strictObject({ center: z.number(), width: z.number().positive() })])
    .default('first')
    .describe(
      'Which values are shown: the first window of the file (its lookup table, if it has one), auto for percentiles of the pixels, full for their whole range, the name of a window, or center and width. Without a window, first is auto.',
    ),
});
export type DicomSpec = z.output<typeof dicomSchema>;

const privacySchema = z.strictObject({
  burnedIn: z
    .enum(['refuse', 'crop', 'warn'])
    .default('warn')
    .describe(
      'What is done with images that seem to have text in their pixels: refuse them, crop the margins with the text, or keep them and warn.',
    ),
  names: z
    .enum(['hide', 'keep'])
    .default('hide')
    .describe(
      'File names in the plan and the manifest: hidden, since they may name patients, or kept. Hidden files have their number in the sorted list of the source.',
    ),
});
export type PrivacySpec = z.output<typeof privacySchema>;

export const preprocessSchema = z.strictObject({
  source: uri.describe('Folder or .zip of images: a path, file:///..., or s3://bucket/prefix.'),
  labels: labelsSchema
    .default('auto')
    .describe(
      'Where classes come from: auto (dataset.json of StyleGAN, folders, or none), folders, none, a CSV or JSON file, a pattern over the path, or a DICOM keyword.',
    ),
  splits: z
    .enum(['merge', 'keep'])
    .nullable()
    .default(null)
    .describe(
      'Folders such as train, val and test: merge ignores them; keep holds out the images of all but train.',
    ),
  duplicates: z
    .enum(['auto', 'exact', 'near', 'ignore'])
    .default('auto')
    .describe(
      'Copies of an image stay on one side of the split: exact ones (same bytes), near ones (look alike), or auto (near up to 20,000 images).',
    ),
  resolution: z
    .literal(RESOLUTIONS)
    .default(256)
    .describe('Side of the square output image in pixels, a power of two.'),
  square: z
    .enum(['crop', 'pad', 'wide', 'tall'])
    .default('crop')
    .describe(
      'How an image becomes square: central crop, black borders, or a central crop of 4:3 (wide) or 3:4 (tall) with black borders.',
    ),
  autocrop: z
    .boolean()
    .default(false)
    .describe('Trim uniform borders, as collimation leaves them, before the image becomes square.'),
  contrast: z
    .enum(['none', 'stretch', 'clahe'])
    .default('none')
    .describe(
      'Contrast of each image: unchanged, percentiles 1 and 99 stretched to 0 and 255, or contrast-limited adaptive histogram equalization.',
    ),
  color: z.enum(['grayscale', 'rgb']).default('grayscale').describe('Channels of the output: 1 or 3.'),
  window: z
    .union([
      z.enum(['auto', 'full']),
      z.strictObject({ bits: z.int().min(8).max(16) }),
      z
        .strictObject({ percentiles: z.tuple([percentile, percentile]) })
        .refine(
          ({ percentiles: [low, high] }) => low < high,
          'the first percentile must be below the second',
        ),
    ])
    .default('auto')
    .describe(
      'Values of 16-bit images that become 0 to 255, for the whole data set: chosen from a sample of the images, all 16 bits, the lower bits, or percentiles of the sample.',
    ),
  strict: z
    .boolean()
    .default(false)
    .describe('Reject images with faults that do not change the pixels, such as a missing end marker.'),
  holdout: z
    .strictObject({
      fraction: z
        .number()
        .min(0)
        .max(0.9)
        .default(0.2)
        .describe('Fraction of each class that is excluded from training, as near as stable sides allow.'),
      seed: z.int().min(0).default(0),
      by: z
        .enum(['image', 'patient'])
        .default('image')
        .describe('Whether all images of a patient are on the same side.'),
      patient: z
        .string()
        .superRefine(isPattern('patient'))
        .optional()
        .describe('Pattern over the path with the group (?<patient>...), for a holdout by patient.'),
    })
    .prefault({})
    .describe('Images excluded from training, stratified by class, for an unbiased evaluation.'),
  limit: z
    .int()
    .min(2)
    .nullable()
    .default(null)
    .describe('Train on a random subset of this many images; smaller subsets are contained in larger ones.'),
  mirror: z.boolean().default(false).describe('Add a left-right flipped copy of every training image.'),
  maxRejected: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('Fraction of unreadable images above which the stage fails; up to it they are skipped.'),
  where: whereSchema
    .nullable()
    .default(null)
    .describe(
      'Only DICOM files with these values of tags, as in {ViewPosition: LATERAL}; a list names alternatives.',
    ),
  dicom: dicomSchema.prefault({}).describe('How DICOM files are rendered.'),
  privacy: privacySchema.prefault({}).describe('Text in the pixels of images, and names of files.'),
  shardImages: z.int().min(1).max(10_000).default(256).describe('Images in one shard of the data set.'),
});

export type LabelsSpec = z.output<typeof labelsSchema>;
export type PreprocessSpec = z.output<typeof preprocessSchema>;
