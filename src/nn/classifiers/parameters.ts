/** The parameters of a classifier network: names, shapes, and the check of a state dict. */
import { CheckpointError } from '../../core/errors.js';
import type { NamedTensor } from '../formats/safetensors.js';
import type { Classifier, Layer, Linear, Convolution } from './layers.js';

/** Channels of an image, height and width: what the shapes of parameters depend on. */
interface Maps {
  channels: number;
  height: number;
  width: number;
}

/** A layer with parameters, and the number of its inputs. */
export type ParameterLayer = (Convolution | Linear) & { inputs: number };

/** All layers with parameters, in order of computation. */
export function parameterLayers({ network, side }: Classifier): ParameterLayer[] {
  const found: ParameterLayer[] = [];
  visit(network, { channels: 3, height: side, width: side }, found);
  return found;
}

/** @returns the size of the layer's output */
function visit(layer: Layer, maps: Maps, found: ParameterLayer[]): Maps {
  const { channels, height, width } = maps;
  switch (layer.kind) {
    case 'convolution': {
      found.push({ ...layer, inputs: channels });
      const length = (from: number, axis: 0 | 1) =>
        Math.floor((from + 2 * layer.padding[axis] - layer.kernel[axis]) / layer.stride) + 1;
      return { channels: layer.outputs, height: length(height, 0), width: length(width, 1) };
    }
    case 'pooling': {
      const length = (from: number) => Math.floor((from + 2 * layer.padding - layer.size) / layer.stride) + 1;
      return { channels, height: length(height), width: length(width) };
    }
    case 'linear':
      found.push({ ...layer, inputs: channels });
      return { channels: layer.outputs, height: 1, width: 1 };
    case 'sequence':
      return layer.layers.reduce((size, part) => visit(part, size, found), maps);
    case 'branches': {
      const sizes = layer.branches.map((branch) => visit(branch, maps, found));
      const sum = sizes.reduce((total, size) => total + size.channels, 0);
      return { ...(sizes[0] as Maps), channels: sum };
    }
    case 'residual':
      if (layer.shortcut) visit(layer.shortcut, maps, found);
      return visit(layer.body, maps, found);
    case 'globalMean':
      return { channels, height: 1, width: 1 };
    case 'flatten':
      return { channels: channels * height * width, height: 1, width: 1 };
    case 'output':
      return maps;
  }
}

/** Shapes of all parameters by their names in published state dicts. */
export function parameterShapes(classifier: Classifier): Record<string, number[]> {
  const shapes: Record<string, number[]> = {};
  for (const layer of parameterLayers(classifier)) {
    const { name, inputs, outputs } = layer;
    const isLinear = layer.kind === 'linear';
    shapes[`${name}.weight`] = isLinear ? [outputs, inputs] : [outputs, inputs, ...layer.kernel];
    const norm = isLinear ? null : layer.norm;
    if (norm !== null) for (const part of NORM_PARTS) shapes[`${norm}.${part}`] = [outputs];
    else if (!isLinear || layer.bias) shapes[`${name}.bias`] = [outputs];
  }
  return shapes;
}

export const NORM_PARTS = ['weight', 'bias', 'running_mean', 'running_var'] as const;

/**
 * The parameters of a state dict; counters and unused parameters are left out.
 *
 * @param where name of the file, for errors
 * @throws CheckpointError for missing, wrong-sized, unknown or non-finite parameters
 */
export function checkedState(
  classifier: Classifier,
  state: Record<string, NamedTensor>,
  where: string,
): Record<string, NamedTensor> {
  const difference = stateDifference(classifier, state);
  if (difference)
    throw new CheckpointError({
      what: `is not a state dict of ${classifier.name}: ${difference}`,
      where,
      hint: 'Give the published weights of this architecture, or name the right one.',
    });
  const names = Object.keys(parameterShapes(classifier));
  const own = withoutPrefix(classifier, state);
  const bad = names.find((name) => !own[name]?.data.every(Number.isFinite));
  if (bad !== undefined)
    throw new CheckpointError({
      what: `has values of ${bad} that are not finite numbers`,
      where,
      hint: 'The file is damaged; download it again from its publisher.',
    });
  return Object.fromEntries(names.map((name) => [name, own[name] as NamedTensor]));
}

/** The first difference of names and shapes to those of an architecture; null if there is none. */
export function stateDifference(
  classifier: Classifier,
  state: Record<string, Pick<NamedTensor, 'shape'>>,
): string | null {
  const shapes = parameterShapes(classifier);
  const own = withoutPrefix(classifier, state);
  for (const [name, shape] of Object.entries(shapes)) {
    const found = Object.hasOwn(own, name) ? own[name]?.shape : undefined;
    if (!found) return `${name} is missing`;
    if (found.join() !== shape.join()) return `${name} has the shape [${found}] instead of [${shape}]`;
  }
  const unknown = Object.keys(own).find(
    (name) => !Object.hasOwn(shapes, name) && !isUnused(classifier, name),
  );
  return unknown === undefined ? null : `${unknown.slice(0, 120)} is unknown`;
}

/** The parameters by the names of the network, without the prefix of published files. */
function withoutPrefix<T>({ prefix = '' }: Classifier, state: Record<string, T>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => [
      name.startsWith(prefix) ? name.slice(prefix.length) : name,
      value,
    ]),
  );
}

function isUnused({ unused }: Classifier, name: string): boolean {
  return name.endsWith('.num_batches_tracked') || (unused?.test(name) ?? false);
}
