/** The averaged generator as a program. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { PhaseBody, ProgramDefinition } from '../../nn/program/program.js';
import { tf } from '../../nn/tensorflow.js';
import type { NetworkConfig } from '../config.js';
import type { MappingInputs } from '../networks/network.js';
import { ParameterScope, take } from '../networks/parameter-scope.js';
import { networkOf } from '../networks/registry.js';

/**
 * Variables `G_ema.*`, to be restored from a checkpoint, and one phase, `generate`: feeds `z`
 * [batch, zDim], `psi` [1] (truncation towards the mean style: 1 none, 0 full) and, for conditional
 * networks only, `labels` [batch, classes] one-hot; output `images` [batch, h, w, c], about -1...1,
 * computed in single precision. Noise is constant, so that an image depends on z, label and psi
 * only.
 */
export function buildGeneratorProgram(trainedConfig: NetworkConfig, batch: number): ProgramDefinition {
  const config: NetworkConfig = { ...trainedConfig, half: null };
  const specs = networkOf(config).generatorSpecs(config);
  const shapes = Object.entries(specs).map(
    ([name, { shape }]) => [`G_ema.${name}`, { shape, init: 0 }] as const,
  );
  const body: PhaseBody = (variables, feeds) => {
    const z = take<Tensor2D>(feeds, 'z');
    const labels = (feeds.labels as Tensor2D | undefined) ?? null;
    const psi = take(feeds, 'psi');
    return {
      outputs: { images: generate(config, new ParameterScope(variables, 'G_ema'), { z, labels, psi }) },
    };
  };
  return {
    variables: Object.fromEntries(shapes),
    phases: {
      generate: {
        feeds: {
          z: { shape: [batch, config.zDim], dtype: 'float32' },
          psi: { shape: [1], dtype: 'float32' },
          ...(config.classes > 0 ? { labels: { shape: [batch, config.classes], dtype: 'float32' } } : {}),
        },
        body,
      },
    },
  };
}

/**
 * z [n, zDim], labels [n, classes] or null, psi [1] or a scalar -> images [n, h, w, c]. Truncation:
 * Karras et al. 2019, appendix B.
 */
export function generate(
  config: NetworkConfig,
  generator: ParameterScope,
  { z, labels, psi }: MappingInputs & { psi: Tensor | number },
): Tensor4D {
  const network = networkOf(config);
  const mean = generator.take('mapping.w_avg');
  const w = network.mapping(config, generator, { z, labels });
  const truncated = tf.add(mean, tf.mul(tf.sub(w, mean), psi)) as Tensor2D;
  const ws = new Array<Tensor2D>(network.styles(config)).fill(truncated);
  return network.synthesis(config, generator, { ws, noise: 'const' });
}
