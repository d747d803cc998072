/** Specs as JSON Schemas, with which editors complete and validate them. */
import { z } from 'zod';
import { datasetSizeSweepSchema } from './dataset-size-sweep.js';
import { hyperparameterSweepSchema } from './hyperparameter-sweep.js';
import { pipelineSchema } from './pipeline.js';

/** JSON Schemas (draft 2020-12) of specs as a user writes them, by the name of their file. */
export function specJsonSchemas(): Record<string, Record<string, unknown>> {
  return {
    'spec.schema.json': jsonSchema(pipelineSchema, 'gist-spec.schema.json', 'GIST spec'),
    'size-sweep.schema.json': jsonSchema(
      datasetSizeSweepSchema,
      'gist-size-sweep.schema.json',
      'GIST data-set-size sweep',
    ),
    'hyperparameter-sweep.schema.json': jsonSchema(
      hyperparameterSweepSchema,
      'gist-hyperparameter-sweep.schema.json',
      'GIST hyperparameter sweep',
    ),
  };
}

function jsonSchema(schema: z.ZodType, $id: string, title: string): Record<string, unknown> {
  return { $id, title, ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) };
}
