/** The spec as a JSON Schema, with which editors complete and validate specs. */
import { z } from 'zod';
import { pipelineSchema } from './pipeline.js';

/** JSON Schema (draft 2020-12) of a spec as a user writes it. */
export function specJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(pipelineSchema, { io: 'input', unrepresentable: 'any' });
  return { $id: 'gist-spec.schema.json', title: 'GIST spec', ...schema };
}
