/** Writes docs/*.schema.json from the compiled specs. */
import { writeFileSync } from 'node:fs';
import { specJsonSchemas } from '../dist/src/spec/json-schema.js';

for (const [file, schema] of Object.entries(specJsonSchemas()))
  writeFileSync(new URL(`../docs/${file}`, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
