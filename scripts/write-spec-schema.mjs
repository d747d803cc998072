/** Writes docs/spec.schema.json from the compiled spec. */
import { writeFileSync } from 'node:fs';
import { specJsonSchema } from '../dist/src/spec/json-schema.js';

writeFileSync(
  new URL('../docs/spec.schema.json', import.meta.url),
  `${JSON.stringify(specJsonSchema(), null, 2)}\n`,
);
