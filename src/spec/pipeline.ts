/** The spec of a run, which is the argument of the workflow `gistPipeline`. */
import { z } from 'zod';
import { evaluateSchema, selectedAnalyses } from './evaluate.js';
import { uri } from './fields.js';
import { generateSchema } from './generate.js';
import { preprocessSchema } from './preprocess.js';
import { trainSchema } from './train.js';

export const STAGES = ['preprocess', 'train', 'generate', 'evaluate'] as const;
export type Stage = (typeof STAGES)[number];

const fromSchema = z.union([
  z.string().min(1),
  z.strictObject({
    dataset: uri.optional().describe('Data set to use if `preprocess` is not in `stages`.'),
    checkpoint: uri.optional().describe('Checkpoint to use if `train` is not in `stages`.'),
    synthetic: uri.optional().describe('Synthetic set to use if `generate` is not in `stages`.'),
  }),
]);

export const pipelineSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Used by editors; ignored.'),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'must be 1 to 63 letters, digits, dots, hyphens or underscores')
      .describe('Short name; part of the run id.'),
    stages: z
      .array(z.enum(STAGES))
      .min(1, 'needs at least one stage')
      .default([...STAGES])
      .refine((stages) => new Set(stages).size === stages.length, 'must not contain a stage twice')
      .transform((stages) => STAGES.filter((stage) => stages.includes(stage)))
      .describe('Stages of the pipeline to run.'),
    from: fromSchema
      .nullable()
      .default(null)
      .describe('Results to use for stages that are not run: the id of an earlier run, or addresses.'),
    cache: z
      .boolean()
      .default(true)
      .describe('Reuse results of earlier runs with the same inputs and settings.'),
    preprocess: preprocessSchema.optional(),
    train: trainSchema.prefault({}),
    generate: generateSchema.prefault({}),
    evaluate: evaluateSchema.prefault({}),
  })
  .superRefine((spec, context) => {
    const has = (stage: Stage) => spec.stages.includes(stage);
    const requireInput = (part: 'dataset' | 'checkpoint' | 'synthetic', stage: Stage, neededBy: Stage[]) => {
      const user = neededBy.find(has);
      const given = typeof spec.from === 'string' || spec.from?.[part] !== undefined;
      if (has(stage) || !user || given) return;
      context.addIssue({
        code: 'custom',
        path: ['from'],
        message: `stage "${user}" needs the result of stage "${stage}", which is not run: give the id of an earlier run, or {"${part}": "s3://..."}`,
      });
    };
    if (has('preprocess') && !spec.preprocess) {
      context.addIssue({
        code: 'custom',
        path: ['preprocess', 'source'],
        message: 'is required: the folder of images',
      });
    }
    requireInput('dataset', 'preprocess', ['train', 'evaluate']);
    requireInput('checkpoint', 'train', ['generate']);
    requireInput('synthetic', 'generate', ['evaluate']);
    const isJudged = has('evaluate') && selectedAnalyses(spec.evaluate).includes('artifacts');
    if (spec.generate.rejectAbove !== null && !isJudged) {
      context.addIssue({
        code: 'custom',
        path: ['generate', 'rejectAbove'],
        message:
          'needs the analysis "artifacts" of the stage "evaluate", which compares the images with real ones',
      });
    }
    // An invalid kimg is reported by its own schema, and not again here.
    if (has('train') && spec.train.kimg > 0 && spec.train.snapshotKimg > spec.train.kimg) {
      context.addIssue({
        code: 'custom',
        path: ['train', 'snapshotKimg'],
        message: `must not exceed train.kimg (${spec.train.kimg})`,
      });
    }
  });

/** A spec as a user writes it. */
export type PipelineInput = z.input<typeof pipelineSchema>;
/** A spec with all defaults filled in. */
export type PipelineSpec = z.output<typeof pipelineSchema>;
