/** Writes the tiny weights as a safetensors file: `node write-tiny-weights.js FILE`. */
import { writeFileSync } from 'node:fs';
import { encodeSafetensors } from '../../src/nn/formats/safetensors.js';
import { tinyWeights } from './tiny-weights.js';

writeFileSync(process.argv[2] ?? 'tiny.safetensors', encodeSafetensors(tinyWeights()));
