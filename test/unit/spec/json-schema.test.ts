/** The JSON Schemas in docs/ match the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { specJsonSchemas } from '../../../src/spec/json-schema.js';

const schemas = specJsonSchemas();

for (const [file, schema] of Object.entries(schemas)) {
  test(`docs/${file} is up to date (npm run schema writes it)`, () => {
    const written: unknown = JSON.parse(readFileSync(`docs/${file}`, 'utf8'));
    assert.deepEqual(written, JSON.parse(JSON.stringify(schema)));
  });
}

test('the schema has every stage and rejects unknown keys', () => {
  const schema = schemas['spec.schema.json'] as {
    properties: Record<string, unknown>;
    additionalProperties: unknown;
  };
  for (const key of ['preprocess', 'train', 'generate', 'evaluate']) assert.ok(schema.properties[key]);
  assert.equal(schema.additionalProperties, false);
});
