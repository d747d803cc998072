/** The spec as a JSON Schema, so that editors complete and check it. */
import { z } from 'zod';
import { pipelineSchema } from './pipeline.js';

/** JSON Schema (draft 2020-12) of a spec as a user writes it. */
export function specJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(pipelineSchema, { io: 'input', unrepresentable: 'any' });
  return { $id: 'gist-spec.schema.json', title: 'GIST spec', ...schema };
}
