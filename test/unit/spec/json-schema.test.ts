/** The JSON Schema in docs/ matches the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { specJsonSchema } from '../../../src/spec/json-schema.js';

test('docs/spec.schema.json is up to date (npm run schema writes it)', () => {
  const written: unknown = JSON.parse(readFileSync('docs/spec.schema.json', 'utf8'));
  assert.deepEqual(written, JSON.parse(JSON.stringify(specJsonSchema())));
});

test('the schema has every stage and rejects unknown keys', () => {
  const schema = specJsonSchema() as { properties: Record<string, unknown>; additionalProperties: unknown };
  for (const key of ['preprocess', 'train', 'generate', 'evaluate']) assert.ok(schema.properties[key]);
  assert.equal(schema.additionalProperties, false);
});
