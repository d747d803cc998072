/** A program in eager mode: slow and simple, for debugging and as the reference for the graph. */
import type { Tensor } from '@tensorflow/tfjs';
import {
  checkValues,
  optimizerOf,
  type Feeds,
  phaseOf,
  type Program,
  type ProgramDefinition,
  type Values,
  type VariableSpec,
} from './definition.js';
import { tf } from '../tensorflow.js';

export function createEagerProgram(
  definition: ProgramDefinition,
  variables: Record<string, VariableSpec>,
): Program {
  return new EagerProgram(definition, variables);
}

class EagerProgram implements Program {
  readonly graph = null;
  private readonly tensors = new Map<string, Tensor>();

  constructor(
    private readonly definition: ProgramDefinition,
    private readonly variables: Record<string, VariableSpec>,
  ) {}

  async run(name: string, feeds: Feeds): Promise<Values> {
    const phase = phaseOf(this.definition, name, feeds);
    const { outputs, updates } = tf.tidy(() => {
      const inputs: Record<string, Tensor> = {};
      for (const [feed, { shape, dtype }] of Object.entries(phase.feeds))
        inputs[feed] = tf.tensor(feeds[feed] as Float32Array, shape, dtype);
      const own = Object.fromEntries(
        [...this.tensors].filter(([variable]) => this.definition.variables[variable]),
      );
      const result = phase.body(own, inputs);
      const adam = Object.entries(result.gradients ?? {}).map(([optimizer, gradients]) =>
        this.adam(optimizer, gradients),
      );
      return {
        outputs: result.outputs,
        updates: Object.assign({}, result.assign, ...adam) as Record<string, Tensor>,
      };
    });
    const values = Object.fromEntries(
      Object.entries(outputs).map(([output, tensor]) => [output, Float32Array.from(tensor.dataSync())]),
    );
    for (const [variable, tensor] of Object.entries(updates)) this.set(variable, tf.clone(tensor));
    tf.dispose([outputs, updates]);
    return values;
  }

  async read(names = Object.keys(this.variables)): Promise<Values> {
    return Object.fromEntries(
      names.map((name) => [name, Float32Array.from((this.tensors.get(name) as Tensor).dataSync())]),
    );
  }

  async restore(values: Values): Promise<void> {
    checkValues(this.variables, values);
    for (const [name, { shape }] of Object.entries(this.variables)) {
      this.set(name, tf.tensor((values[name] as Float32Array).slice(), shape, 'float32'));
    }
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
  }

  private set(name: string, tensor: Tensor): void {
    this.tensors.get(name)?.dispose();
    this.tensors.set(name, tf.keep(tensor));
  }

  /** The arithmetic of TensorFlow's own kernel, ApplyAdam. */
  private adam(optimizer: string, gradients: Record<string, Tensor>): Record<string, Tensor> {
    const { learningRate, beta1, beta2, epsilon } = optimizerOf(this.definition, optimizer);
    const prefix = `adam.${optimizer}`;
    const state = (name: string) => this.tensors.get(name) as Tensor;
    const [power1, power2] = [state(`${prefix}.beta1Power`), state(`${prefix}.beta2Power`)];
    const alpha = tf.div(tf.mul(tf.sqrt(tf.sub(1, power2)), learningRate), tf.sub(1, power1));
    const updates: Record<string, Tensor> = {
      [`${prefix}.beta1Power`]: tf.mul(power1, beta1),
      [`${prefix}.beta2Power`]: tf.mul(power2, beta2),
    };
    for (const [name, gradient] of Object.entries(gradients)) {
      const [m0, v0] = [state(`${prefix}.m.${name}`), state(`${prefix}.v.${name}`)];
      const m = tf.add(m0, tf.mul(tf.sub(gradient, m0), 1 - beta1));
      const v = tf.add(v0, tf.mul(tf.sub(tf.square(gradient), v0), 1 - beta2));
      updates[`${prefix}.m.${name}`] = m;
      updates[`${prefix}.v.${name}`] = v;
      updates[name] = tf.sub(state(name), tf.div(tf.mul(m, alpha), tf.add(tf.sqrt(v), epsilon)));
    }
    return updates;
  }
}
