/**
 * The averaged generator: an exponential moving average of the trained one's weights. Karras et al.
 * 2018, section 5.
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { PhaseBody } from '../../nn/program/program.js';
import { tf } from '../../nn/tensorflow.js';
import type { NetworkConfig } from '../config.js';
import { take } from '../networks/parameter-scope.js';
import { networkOf } from '../networks/registry.js';
import { feed } from './feeds.js';
import type { PhaseContext } from './phase-context.js';

/**
 * Moves the average towards the trained weights: feed `beta` is its decay.
 * Running means are copied.
 */
export function ema({ config, trained }: PhaseContext): PhaseBody {
  return (variables, feeds) => {
    const beta = tf.reshape(feed(feeds, 'beta'), []);
    const assign: Record<string, Tensor> = {};
    for (const name of trained.G) {
      const value = take(variables, name);
      const average = averageOf(name);
      assign[average] = tf.add(value, tf.mul(tf.sub(take(variables, average), value), beta));
    }
    for (const name of runningMeans(config)) assign[averageOf(name)] = tf.clone(take(variables, name));
    return { outputs: {}, assign };
  };
}

/** Variables that the discriminator's main phase assigns and the average copies. */
export function runningMeans(config: NetworkConfig): string[] {
  return networkOf(config)
    .runningMeans(config)
    .map((name) => `G.${name}`);
}

/** `G.x` -> `G_ema.x` */
function averageOf(name: string): string {
  return name.replace(/^G\./, 'G_ema.');
}
