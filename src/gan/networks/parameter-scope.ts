/** Tensors of a network by their names in a state dict, in nested scopes. */
import type { Tensor } from '@tensorflow/tfjs';

export type Tensors = Readonly<Record<string, Tensor>>;

/** The tensors of a network, or of a layer of it, whose names begin with the same prefix. */
export class ParameterScope {
  /** @param path of the scope, without the last point: `G`, `G.synthesis.b8` */
  constructor(
    private readonly tensors: Tensors,
    private readonly path: string,
  ) {}

  /** A scope within this one. */
  scope(name: string): ParameterScope {
    return new ParameterScope(this.tensors, this.fullName(name));
  }

  /**
   * A tensor of this scope. @throws RangeError when there is none: the parameters are of another
   * configuration.
   */
  take<T extends Tensor>(name: string): T {
    return take(this.tensors, this.fullName(name));
  }

  /** Name of a tensor of this scope among all tensors. */
  fullName(name: string): string {
    return `${this.path}.${name}`;
  }
}

/** A tensor by name. @throws RangeError when there is none. */
export function take<T extends Tensor>(tensors: Tensors, name: string): T {
  const tensor = tensors[name];
  if (!tensor) throw new RangeError(`no parameter named ${name}`);
  return tensor as T;
}
