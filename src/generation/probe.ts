/**
 * Asks a generator for more than images: the same images with a moved or rotated input, and pairs
 * of images from neighboring styles. Values are -1...1, not rounded to bytes.
 */
import type { Tensor2D } from '@tensorflow/tfjs';
import { CHECKPOINT_PARTS } from '../checkpoints/manifest.js';
import { readManifest, readPart } from '../checkpoints/reader.js';
import { decodeVariables } from '../checkpoints/variables.js';
import { type NetworkConfig, recordedSettings, resolveNetworkConfig } from '../gan/config.js';
import { buildGeneratorProgram } from '../gan/loss/generator-program.js';
import { ParameterScope, take } from '../gan/networks/parameter-scope.js';
import { networkOf } from '../gan/networks/registry.js';
import { createProgram, type Program, type ProgramDefinition } from '../nn/program/program.js';
import { tf } from '../nn/tensorflow.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type ClassShare, classAssignment } from './classes.js';
import { latent } from './latents.js';

/** The transform of StyleGAN3's input, applied to positions in image widths; [3, 3], row-major. */
export type InputTransform = readonly [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

export const IDENTITY: InputTransform = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const TRANSFORM = 'G_ema.synthesis.input.transform';
const BATCH = 4;
const SEED = 0;

/** Images of a batch, one after another: [side, side, channels] each. */
export interface ProbedImages {
  side: number;
  channels: 1 | 3;
  images: Float32Array[];
}

export class GeneratorProbe {
  private constructor(
    private readonly program: Program,
    private readonly config: NetworkConfig,
    private readonly labelOf: (image: number) => number | null,
    /** Whether its input can be moved and rotated, as StyleGAN3's. */
    readonly hasTransform: boolean,
  ) {}

  readonly batch = BATCH;

  /**
   * @throws CheckpointError when there is no such checkpoint, or its weights are corrupt
   */
  static async open(store: ObjectStore, prefix: string): Promise<GeneratorProbe> {
    const manifest = await readManifest(store, prefix);
    const config = resolveNetworkConfig(recordedSettings(manifest.configuration.network));
    const part = CHECKPOINT_PARTS.generatorEma;
    const weights = await readPart(store, prefix, manifest, part);
    return GeneratorProbe.of(config, decodeVariables({ [part]: weights }), manifest.classes);
  }

  /** @param variables of the averaged generator, by name */
  static async of(
    config: NetworkConfig,
    variables: Record<string, Float32Array>,
    classes: ClassShare[] | null,
  ): Promise<GeneratorProbe> {
    const definition = probeProgram(config);
    const program = await createProgram(definition, { mode: 'graph' });
    const names = Object.keys(definition.variables).filter((name) => name in variables);
    await program.restore(Object.fromEntries(names.map((name) => [name, variables[name] as Float32Array])));
    const hasTransform = 'transform' in (definition.phases.generate?.feeds ?? {});
    return new GeneratorProbe(program, config, classAssignment('as-real', classes, SEED), hasTransform);
  }

  /** The images of a batch of seeds. @param first seed of the first image */
  async generate(first: number, transform: InputTransform = IDENTITY): Promise<ProbedImages> {
    const { images } = await this.program.run('generate', {
      z: this.latents(first),
      ...this.labels(first),
      ...(this.hasTransform && { transform: Float32Array.from(transform) }),
    });
    return this.split(images as Float32Array);
  }

  /** Pairs of images whose styles are a step apart on the way to those of other seeds. */
  async pairs(first: number, step: number): Promise<[ProbedImages, ProbedImages]> {
    const { start, end } = await this.program.run('path', {
      z: this.latents(2 * first),
      towards: this.latents(2 * first + BATCH),
      step: Float32Array.of(step),
      ...this.labels(first),
      ...(this.hasTransform && { transform: Float32Array.from(IDENTITY) }),
    });
    return [this.split(start as Float32Array), this.split(end as Float32Array)];
  }

  dispose(): void {
    this.program.dispose();
  }

  private latents(first: number): Float32Array {
    const { zDim } = this.config;
    const z = new Float32Array(BATCH * zDim);
    for (let i = 0; i < BATCH; i++) z.set(latent(first + i, zDim), i * zDim);
    return z;
  }

  private labels(first: number): { labels?: Float32Array } {
    const { classes } = this.config;
    if (classes === 0) return {};
    const labels = new Float32Array(BATCH * classes);
    for (let i = 0; i < BATCH; i++) labels[i * classes + (this.labelOf(first + i) ?? 0)] = 1;
    return { labels };
  }

  private split(values: Float32Array): ProbedImages {
    const { resolution: side, channels } = this.config;
    const size = side * side * channels;
    const images = Array.from({ length: BATCH }, (_, i) => values.slice(i * size, (i + 1) * size));
    return { side, channels, images };
  }
}

/** Phases `generate` and `path` of the averaged generator, without truncation. */
function probeProgram(trained: NetworkConfig): ProgramDefinition {
  const config: NetworkConfig = { ...trained, half: null };
  const { variables: all } = buildGeneratorProgram(config, BATCH);
  const { [TRANSFORM]: transform, ...variables } = all;
  const network = networkOf(config);
  const latents = { shape: [BATCH, config.zDim], dtype: 'float32' as const };
  const common = {
    ...(config.classes > 0 && { labels: { shape: [BATCH, config.classes], dtype: 'float32' as const } }),
    ...(transform && { transform: { shape: [3, 3], dtype: 'float32' as const } }),
  };
  type Body = ProgramDefinition['phases'][string]['body'];
  const parts = (own: Parameters<Body>[0], feeds: Parameters<Body>[1]) => {
    const scope = new ParameterScope(
      { ...own, ...(transform && { [TRANSFORM]: take(feeds, 'transform') }) },
      'G_ema',
    );
    const labels = (feeds.labels as Tensor2D | undefined) ?? null;
    return {
      style: (name: string) => network.mapping(config, scope, { z: take<Tensor2D>(feeds, name), labels }),
      paint: (w: Tensor2D) =>
        network.synthesis(config, scope, {
          ws: new Array<Tensor2D>(network.styles(config)).fill(w),
          noise: 'const',
        }),
    };
  };
  return {
    variables,
    phases: {
      generate: {
        feeds: { z: latents, ...common },
        body: (own, feeds) => {
          const { style, paint } = parts(own, feeds);
          return { outputs: { images: paint(style('z')) } };
        },
      },
      path: {
        feeds: { z: latents, towards: latents, step: { shape: [1], dtype: 'float32' }, ...common },
        body: (own, feeds) => {
          const { style, paint } = parts(own, feeds);
          const [from, to] = [style('z'), style('towards')];
          const next = tf.add(from, tf.mul(tf.sub(to, from), take(feeds, 'step'))) as Tensor2D;
          return { outputs: { start: paint(from), end: paint(next) } };
        },
      },
    },
  };
}
