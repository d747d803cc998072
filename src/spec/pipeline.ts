/** The whole spec of a run: the single argument of the workflow `gistPipeline`. */
import { z } from 'zod';
import { evaluateSchema } from './evaluate.js';
import { uri } from './fields.js';
import { generateSchema } from './generate.js';
import { preprocessSchema } from './preprocess.js';
import { trainSchema } from './train.js';

export const STAGES = ['preprocess', 'train', 'generate', 'evaluate'] as const;
export type Stage = (typeof STAGES)[number];

const fromSchema = z.union([
  z.string().min(1),
  z.strictObject({
    dataset: uri.optional().describe('Data set to use when `preprocess` is left out.'),
    checkpoint: uri.optional().describe('Checkpoint to use when `train` is left out.'),
    synthetic: uri.optional().describe('Synthetic set to use when `generate` is left out.'),
  }),
]);

export const pipelineSchema = z
  .strictObject({
    $schema: z.string().optional().describe('For editors; ignored.'),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'must be 1 to 63 letters, digits, dots, hyphens or underscores')
      .describe('A short name; part of the run id.'),
    stages: z
      .array(z.enum(STAGES))
      .min(1, 'needs at least one stage')
      .default([...STAGES])
      .refine((stages) => new Set(stages).size === stages.length, 'must not name a stage twice')
      .transform((stages) => STAGES.filter((stage) => stages.includes(stage)))
      .describe('The portion of the pipeline to run.'),
    from: fromSchema
      .nullable()
      .default(null)
      .describe('What left-out stages would have made: the id of an earlier run, or addresses.'),
    cache: z
      .boolean()
      .default(true)
      .describe('Reuse what an earlier run made of the same inputs and settings.'),
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
        message: `stage "${user}" needs what the left-out stage "${stage}" makes: give the id of an earlier run, or {"${part}": "s3://..."}`,
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
    // A kimg that is refused itself says nothing about the snapshots.
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
/** A spec with every default filled in. */
export type PipelineSpec = z.output<typeof pipelineSchema>;
