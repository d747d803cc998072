/** A program as one TensorFlow graph, with variables that stay on the device. */
import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs';
import { makeScratchFolder } from '../../core/scratch.js';
import { insertCasts } from './casts.js';
import {
  checkValues,
  optimizerOf,
  type Feeds,
  type PhaseResult,
  type PhaseSpec,
  phaseOf,
  type Program,
  type ProgramDefinition,
  type Values,
  type VariableSpec,
} from './definition.js';
import type { GraphCache, RecordedGraph } from './graph-cache.js';
import { type Endpoint, type RecordedInput, type Recording, record } from './recording.js';
import {
  fetchName,
  inputName,
  MODEL_FILE,
  SavedModelWriter,
  type Signature,
  type SignatureTensor,
} from './saved-model.js';
import { GraphSession, tf } from '../tensorflow.js';

const FLOAT = { type: 'float32' } as const;

type Variables = Record<string, VariableSpec>;

/** Where a recorded graph is kept, and all that it depends on besides this program's own code. */
export interface KeptGraph {
  cache: GraphCache;
  identity: unknown;
}

export async function createGraphProgram(
  definition: ProgramDefinition,
  variables: Variables,
  kept?: KeptGraph,
): Promise<Program> {
  const record = () => recordGraph(definition, variables);
  const { model, signatures } = kept ? await kept.cache.findOrRecord(kept.identity, record) : record();
  const digest = createHash('sha256').update(model).digest('hex');
  const folder = await makeScratchFolder('graph');
  try {
    await writeFile(path.join(folder, MODEL_FILE), model);
    return new GraphProgram({ definition, variables, signatures, session: new GraphSession(folder), digest });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Records a program as a SavedModel: signatures `phase.<name>`, `restore` and `read`. Each has
 * nodes `<signature>/feed/<name>` and, except for `read`, a node `<signature>/done` that is
 * computed after all assignments.
 */
export function recordGraph(definition: ProgramDefinition, variables: Variables): RecordedGraph {
  const graph = new GraphWriter(definition, variables);
  return { signatures: graph.signatures, model: graph.bytes() };
}

class GraphProgram implements Program {
  readonly graph: string;
  private readonly definition: ProgramDefinition;
  private readonly variables: Variables;
  private readonly signatures: Record<string, Signature>;
  private readonly session: GraphSession;

  constructor(parts: {
    definition: ProgramDefinition;
    variables: Variables;
    signatures: Record<string, Signature>;
    session: GraphSession;
    digest: string;
  }) {
    this.graph = parts.digest;
    this.definition = parts.definition;
    this.variables = parts.variables;
    this.signatures = parts.signatures;
    this.session = parts.session;
  }

  async run(name: string, feeds: Feeds): Promise<Values> {
    const phase = phaseOf(this.definition, name, feeds);
    const inputs = mapValues(phase.feeds, ({ shape, dtype }, feed) =>
      tf.tensor(feeds[feed] as Float32Array, shape, dtype),
    );
    const { [DONE]: _done, ...outputs } = this.call(`phase.${name}`, inputs);
    return outputs;
  }

  async read(names = Object.keys(this.variables)): Promise<Values> {
    const all = this.call('read', {});
    return Object.fromEntries(names.map((name) => [name, all[name] as Float32Array]));
  }

  async restore(values: Values): Promise<void> {
    checkValues(this.variables, values);
    const inputs = mapValues(this.variables, ({ shape }, name) =>
      tf.tensor(values[name] as Float32Array, shape, 'float32'),
    );
    this.call('restore', inputs);
  }

  dispose(): void {
    this.session.dispose();
  }

  /** @param feeds a tensor for each input of the signature; they are disposed of */
  private call(name: string, feeds: NamedTensorMap): Values {
    const { inputs, outputs } = this.signatures[name] as Signature;
    const fed = Object.entries(feeds).map(
      ([feed, tensor]) => [fetchName(inputs[feed] as SignatureTensor), tensor] as const,
    );
    try {
      const tensors = this.session.run(Object.fromEntries(fed), Object.values(outputs).map(fetchName));
      const values = Object.keys(outputs).map(
        (output, i) => [output, Float32Array.from((tensors[i] as Tensor).dataSync())] as const,
      );
      tf.dispose(tensors);
      return Object.fromEntries(values);
    } finally {
      tf.dispose(feeds);
    }
  }
}

/** Name of the output that is computed after all assignments. */
const DONE = '__done';

class GraphWriter {
  readonly signatures: Record<string, Signature> = {};
  private readonly model = new SavedModelWriter();

  constructor(
    private readonly definition: ProgramDefinition,
    private readonly variables: Variables,
  ) {
    for (const [name, { shape }] of Object.entries(variables)) {
      this.model.add(handle(name), 'VarHandleOp', [], {
        dtype: FLOAT,
        shape: { shape },
        shared_name: { text: name },
        container: { text: '' },
      });
    }
    this.addRestore();
    this.addRead();
    for (const [name, phase] of Object.entries(definition.phases)) this.addPhase(name, phase);
  }

  bytes(): Uint8Array {
    return this.model.bytes();
  }

  private addSignature(name: string, signature: Signature): void {
    this.model.addSignature(name, signature);
    this.signatures[name] = signature;
  }

  private read(scope: string, name: string): string {
    return this.model.add(`${scope}/read/${name}`, 'ReadVariableOp', [handle(name)], { dtype: FLOAT });
  }

  /**
   * Assigns after the phase has read the variable: a phase computes with the values before its
   * assignments.
   */
  private assign(scope: string, name: string, value: string, after: string[]): string {
    const inputs = [handle(name), value, ...after.map(control)];
    return this.model.add(`${scope}/assign/${name}`, 'AssignVariableOp', inputs, {
      dtype: FLOAT,
      validate_shape: { bool: false },
    });
  }

  private scalar(node: string, value: number): string {
    this.model.addConstant({ node, dtype: 'float32', shape: [], values: [value] });
    return node;
  }

  /** A tensor that can be fetched and is computed after every update. */
  private done(scope: string, updates: string[]): SignatureTensor {
    const one = this.scalar(`${scope}/one`, 1);
    const node = this.model.add(`${scope}/done`, 'Identity', [one, ...updates.map(control)], { T: FLOAT });
    return { node, dtype: 'float32', shape: [] };
  }

  private addRestore(): void {
    const inputs: Signature['inputs'] = {};
    const updates = Object.entries(this.variables).map(([name, { shape }]) => {
      const node = this.model.add(`restore/feed/${name}`, 'Placeholder', [], {
        dtype: FLOAT,
        shape: { shape },
      });
      inputs[name] = { node, dtype: 'float32', shape };
      return this.assign('restore', name, node, []);
    });
    this.addSignature('restore', { inputs, outputs: { [DONE]: this.done('restore', updates) } });
  }

  private addRead(): void {
    const outputs: Signature['outputs'] = {};
    for (const [name, { shape }] of Object.entries(this.variables))
      outputs[name] = { node: this.read('read', name), dtype: 'float32', shape };
    this.addSignature('read', { inputs: {}, outputs });
  }

  private addPhase(name: string, phase: PhaseSpec): void {
    const scope = `phase.${name}`;
    const feeds = this.addFeeds(scope, phase);
    const reads = this.addReads(scope);
    const { result, recording } = record(
      scope,
      { ...prefixed('f:', feeds), ...prefixed('v:', reads) },
      (tensors, tape) => endpointsOf(phase.body(unprefixed('v:', tensors), unprefixed('f:', tensors)), tape),
    );
    for (const constant of recording.constants) this.model.addConstant(constant);
    for (const op of insertCasts(recording.ops, recording.constants)) this.model.addRecorded(op);
    const updates = Object.entries(result.assign).map(([variable, { endpoint }]) =>
      this.assign(scope, variable, inputName(endpoint), [`${scope}/read/${variable}`]),
    );
    for (const [optimizer, gradients] of Object.entries(result.gradients))
      updates.push(...this.addAdam(scope, optimizer, gradients));
    const outputs: Signature['outputs'] = { [DONE]: this.done(scope, updates) };
    for (const [output, { endpoint, shape }] of Object.entries(result.outputs)) {
      outputs[output] = { node: endpoint.node, output: endpoint.output, dtype: endpoint.dtype, shape };
    }
    this.addSignature(scope, { inputs: feeds, outputs });
  }

  private addFeeds(scope: string, phase: PhaseSpec): Record<string, RecordedInput> {
    return mapValues(phase.feeds, ({ shape, dtype }, feed) => {
      const node = this.model.add(`${scope}/feed/${feed}`, 'Placeholder', [], {
        dtype: { type: dtype },
        shape: { shape },
      });
      return { node, shape, dtype };
    });
  }

  private addReads(scope: string): Record<string, RecordedInput> {
    return mapValues(this.definition.variables, ({ shape }, name) => ({
      node: this.read(scope, name),
      shape,
      dtype: 'float32' as const,
    }));
  }

  private addAdam(scope: string, optimizer: string, gradients: Endpoints): string[] {
    const { learningRate, beta1, beta2, epsilon } = optimizerOf(this.definition, optimizer);
    const prefix = `adam.${optimizer}`;
    const own = `${scope}/${prefix}`;
    const rates = [
      this.scalar(`${own}/rate`, learningRate),
      this.scalar(`${own}/beta1`, beta1),
      this.scalar(`${own}/beta2`, beta2),
    ];
    const powers = ['beta1Power', 'beta2Power'].map((power) => this.read(scope, `${prefix}.${power}`));
    const tail = this.scalar(`${own}/epsilon`, epsilon);
    const applied = Object.entries(gradients).map(([name, { endpoint }]) => {
      const variables = [name, `${prefix}.m.${name}`, `${prefix}.v.${name}`].map(handle);
      const inputs = [
        ...variables,
        ...powers,
        ...rates,
        tail,
        inputName(endpoint),
        control(`${scope}/read/${name}`),
      ];
      const attributes = { T: FLOAT, use_locking: { bool: false }, use_nesterov: { bool: false } };
      return this.model.add(`${own}/apply/${name}`, 'ResourceApplyAdam', inputs, attributes);
    });
    const raised = powers.map((power, i) => {
      const raise = this.model.add(`${own}/raise${i}`, 'Mul', [power, rates[i + 1] as string], { T: FLOAT });
      return this.assign(scope, `${prefix}.beta${i + 1}Power`, raise, [power]);
    });
    return [...applied, ...raised];
  }
}

type Endpoints = Record<string, { endpoint: Endpoint; shape: number[] }>;

function endpointsOf({ outputs, assign = {}, gradients = {} }: PhaseResult, recording: Recording) {
  const locate = (tensors: Record<string, Tensor>): Endpoints =>
    mapValues(tensors, (tensor) => ({ endpoint: recording.endpointOf(tensor), shape: tensor.shape }));
  return { outputs: locate(outputs), assign: locate(assign), gradients: mapValues(gradients, locate) };
}

function handle(variable: string): string {
  return `variable/${variable}`;
}

function control(node: string): string {
  return `^${node}`;
}

function mapValues<From, To>(
  record: Record<string, From>,
  map: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}

function prefixed<T>(prefix: string, record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [prefix + key, value]));
}

function unprefixed(prefix: string, tensors: Record<string, Tensor>): Record<string, Tensor> {
  const own = Object.entries(tensors).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(own.map(([key, tensor]) => [key.slice(prefix.length), tensor]));
}
