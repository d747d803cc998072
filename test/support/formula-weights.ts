/** Weights from a formula, so that references to large networks need no large files. */
import type { NamedTensor } from '../../src/nn/formats/safetensors.js';
import { type Classifier, parameterShapes } from '../../src/nn/classifiers/index.js';

/** A state dict of a classifier; equal seeds give equal weights everywhere. */
export function formulaState(classifier: Classifier, seed: number): Record<string, NamedTensor> {
  return Object.fromEntries(
    Object.entries(parameterShapes(classifier)).map(([name, shape]) => [
      name,
      { shape, data: formulaValues(name, shape, seed) },
    ]),
  );
}

function formulaValues(name: string, shape: readonly number[], seed: number): Float32Array {
  const start = (fnv1a(name) + seed) >>> 0;
  const [offset, scale] = rangeOf(name, shape);
  const data = new Float32Array(shape.reduce((product, side) => product * side, 1));
  for (let i = 0; i < data.length; i++) data[i] = offset + scale * uniform(start, i);
  return data;
}

/** @returns mean and width of the values */
function rangeOf(name: string, shape: readonly number[]): [offset: number, scale: number] {
  if (name.endsWith('.weight') && shape.length > 1) {
    const inputs = shape.slice(1).reduce((product, side) => product * side, 1);
    return [0, Math.sqrt(12) * Math.sqrt(2 / inputs)];
  }
  if (name.endsWith('.bn3.weight')) return [0.2, 0.04];
  if (name.endsWith('.weight')) return [1, 0.2];
  if (name.endsWith('.running_var')) return [1, 0.4];
  return [0, 0.2];
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** A value of -0.5...0.5: murmur3's finalizer of the position. */
function uniform(start: number, index: number): number {
  let h = (start + Math.imul(index, 0x9e3779b9)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32 - 0.5;
}
