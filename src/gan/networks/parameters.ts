/** The state of a network: names, shapes and initial values of its parameters and buffers. */
import { RandomStream } from '../../core/random.js';
import { sizeOf } from '../../nn/program/definition.js';

/** The initial value of a tensor. */
export type Initial =
  /** Normal with mean 0. */
  | { readonly type: 'normal'; readonly deviation: number }
  | { readonly type: 'constant'; readonly value: number }
  | { readonly type: 'values'; readonly values: Float32Array };

/**
 * One named tensor of a network, with the name, shape and layout that StyleGAN2 and StyleGAN3 give
 * it in a state dict.
 */
export interface ParameterSpec {
  readonly shape: number[];
  readonly initial: Initial;
  /** Parameters have a gradient; buffers (running means, constant noise, filters) have none. */
  readonly trainable: boolean;
}

export type ParameterSpecs = Record<string, ParameterSpec>;

export function parameter(shape: number[], initial: Initial): ParameterSpec {
  return { shape, initial, trainable: true };
}

export function buffer(shape: number[], initial: Initial): ParameterSpec {
  return { shape, initial, trainable: false };
}

export function normal(deviation = 1): Initial {
  return { type: 'normal', deviation };
}

export function constant(value: number): Initial {
  return { type: 'constant', value };
}

/** The specifications of a layer or network within a scope: `weight` -> `<scope>.weight`. */
export function scoped(scope: string, specs: ParameterSpecs): ParameterSpecs {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [`${scope}.${name}`, spec]));
}

/** Names of the parameters that an optimizer trains, in order. */
export function trainableNames(specs: ParameterSpecs): string[] {
  return Object.keys(specs).filter((name) => specs[name]?.trainable);
}

/**
 * Initial values of a tensor, a pure function of seed, name and specification.
 *
 * @returns a number to fill with, or values in C order
 */
export function initialValues(spec: ParameterSpec, seed: number, name: string): Float32Array | number {
  const { initial, shape } = spec;
  if (initial.type === 'constant') return initial.value;
  if (initial.type === 'values') return initial.values;
  return normalValues(sizeOf(shape), initial.deviation, seed, `initial value of ${name}`);
}

/**
 * `size` normal numbers, fast enough for networks of tens of millions of parameters.
 *
 * xoshiro128++ (Blackman and Vigna 2021, "Scrambled linear pseudorandom number generators"), its
 * state drawn from the seeded stream of that name, then the transform of Box and Muller 1958.
 */
export function normalValues(size: number, deviation: number, seed: number, stream: string): Float32Array {
  const uniform = xoshiro128(new RandomStream(seed, stream));
  const out = new Float32Array(size);
  for (let i = 0; i < size; i += 2) {
    // 1 - u is in (0, 1], so the logarithm is finite.
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < size) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** Uniform numbers in [0, 1), 32 bits each. */
function xoshiro128(seed: RandomStream): () => number {
  const word = () => Number(seed.next() & 0xffffffffn) | 0;
  let [a, b, c, d] = [word(), word(), word(), word()];
  return () => {
    const result = (rotate((a + d) | 0, 7) + a) | 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return (result >>> 0) / 2 ** 32;
  };
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
