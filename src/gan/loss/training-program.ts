/** A training as one program: variables, optimisers and phases. */
import type {
  AdamOptions,
  PhaseBody,
  ProgramDefinition,
  PhaseSpec,
  VariableSpec,
} from '../../nn/program/program.js';
import type { NetworkConfig } from '../config.js';
import { initialValues, type ParameterSpecs, trainableNames } from '../networks/parameters.js';
import { networkOf } from '../networks/registry.js';
import { withFiniteGradients } from './finite-gradients.js';
import { withoutFrozen } from './frozen.js';
import type { TrainingOptions } from './options.js';
import {
  discriminatorMain,
  discriminatorR1,
  ema,
  generatorMain,
  generatorPathLength,
  generatorPathLengthRound,
  pathLengthImages,
  pathLengthsOfRound,
  type PhaseContext,
  runningMeans,
} from './phases.js';
import { inRounds, pathLengthRound, sumVariables } from './accumulation.js';

/**
 * StyleGAN2's training procedure (Karras et al. 2020, appendix B), to be run, every step, as
 *
 * 1. `generatorMain`
 * 2. `generatorPathLength`, where step is a multiple of `plInterval` (absent when that is 0)
 * 3. `discriminatorMain`
 * 4. `discriminatorR1`, where step is a multiple of `r1Interval` (absent when that is 0)
 * 5. `ema` (the generator is final after 2; before 3, the average would only have the mean of w of one step earlier)
 *
 * Each of 1-4 is a step of its own of the network's one optimiser. Variables are `G.*`, `D.*`, `G_ema.*` under their names in
 * state dicts, and `pl_mean`. Feeds: `seed` int32 [2], new for every phase and step; `real` [batch, h, w, c] in -1...1;
 * `labels` [batch, classes] one-hot, only for conditional networks: of the real images in a discriminator's phase, drawn from
 * the training set in a generator's; `beta` [1], the decay of the weight average; `p` [1], the strength of the augmentation, only
 * where there is one; `blur` [h, h], likewise. Outputs are one value an image.
 */
export function buildTrainingProgram(config: NetworkConfig, options: TrainingOptions): ProgramDefinition {
  const network = networkOf(config);
  const [generator, discriminator] = [network.generatorSpecs(config), network.discriminatorSpecs(config)];
  const prefixed = (prefix: string, specs: ParameterSpecs) =>
    trainableNames(specs).map((name) => `${prefix}${name}`);
  const trained = {
    G: prefixed('G.', generator),
    D: withoutFrozen(config, prefixed('D.', discriminator), options.freezed),
  };
  const context: PhaseContext = { config, options, trained };
  const variables = {
    ...variablesOf(generator, ['G.', 'G_ema.'], options.seed),
    ...variablesOf(discriminator, ['D.'], options.seed),
    pl_mean: { shape: [], init: 0 },
  };
  return {
    variables: { ...variables, ...sumsOf(context, variables) },
    optimizers: {
      G: adam(options, options.glr, options.plInterval, trained.G),
      D: adam(options, options.dlr, options.r1Interval, trained.D),
    },
    phases: phasesOf(context),
  };
}

/** What stays of a step between its rounds, where there are any. */
function sumsOf(
  { config, options, trained }: PhaseContext,
  variables: Record<string, VariableSpec>,
): Record<string, VariableSpec> {
  if (options.batchGpu === options.batch) return {};
  return sumVariables(variables, [...trained.G, ...trained.D, ...runningMeans(config), 'pl_mean']);
}

function phasesOf(context: PhaseContext): Record<string, PhaseSpec> {
  const { config, options } = context;
  const { resolution, channels, classes } = config;
  const seed: PhaseSpec['feeds'] = { seed: { shape: [2], dtype: 'int32' } };
  const real: PhaseSpec['feeds'] = {
    real: { shape: [options.batchGpu, resolution, resolution, channels], dtype: 'float32' },
  };
  const labels: PhaseSpec['feeds'] =
    classes > 0 ? { labels: { shape: [options.batchGpu, classes], dtype: 'float32' } } : {};
  const strength: PhaseSpec['feeds'] = options.augmentation ? { p: { shape: [1], dtype: 'float32' } } : {};
  const soft: PhaseSpec['feeds'] = options.blur
    ? { blur: { shape: [resolution, resolution], dtype: 'float32' } }
    : {};
  const phases: Record<string, PhaseSpec> = {
    generatorMain: {
      feeds: { ...seed, ...labels, ...strength, ...soft },
      body: guarded(config, generatorMain(context)),
    },
    discriminatorMain: {
      feeds: { ...seed, ...real, ...labels, ...strength, ...soft },
      body: guarded(config, discriminatorMain(context)),
    },
    ema: { feeds: { beta: { shape: [1], dtype: 'float32' } }, body: ema(context) },
  };
  if (options.plInterval > 0) {
    phases.generatorPathLength = {
      feeds: { ...seed, ...labels },
      body: guarded(config, generatorPathLength(context)),
    };
  }
  if (options.r1Interval > 0) {
    const augmentation = options.augmentation ? { ...seed, ...strength } : {};
    phases.discriminatorR1 = {
      feeds: { ...real, ...labels, ...augmentation, ...soft },
      body: guarded(config, discriminatorR1(context)),
    };
  }
  return options.batchGpu === options.batch ? phases : sharedOut(context, phases);
}

/** Before rounds are summed: one gradient that left the range of half precision would take the others with it. */
function guarded({ half }: NetworkConfig, body: PhaseBody): PhaseBody {
  return half ? withFiniteGradients(body) : body;
}

/** The same phases for one round of the batch each, with those that end the rounds. */
function sharedOut(context: PhaseContext, phases: Record<string, PhaseSpec>): Record<string, PhaseSpec> {
  const { config, options, trained } = context;
  const rounds = options.batch / options.batchGpu;
  const rows = (images: number): PhaseSpec['feeds'] => ({ rows: { shape: [images], dtype: 'int32' } });
  const shared: Record<string, PhaseSpec> = { ...phases };
  const { generatorMain: main, discriminatorMain: judge, discriminatorR1: penalty } = phases;
  const withRows = ({ feeds, body }: PhaseSpec): PhaseSpec => ({
    feeds: { ...feeds, ...rows(options.batchGpu) },
    body,
  });
  if (main) Object.assign(shared, inRounds('generatorMain', withRows(main), rounds, ['G', trained.G]));
  if (judge)
    Object.assign(
      shared,
      inRounds('discriminatorMain', withRows(judge), rounds, ['D', trained.D], runningMeans(config)),
    );
  if (penalty)
    Object.assign(
      shared,
      inRounds('discriminatorR1', options.augmentation ? withRows(penalty) : penalty, rounds, [
        'D',
        trained.D,
      ]),
    );
  if (options.plInterval > 0) {
    const total = pathLengthImages(options);
    const images = pathLengthRound(total, Math.floor(options.batchGpu / options.plBatchShrink));
    const labels: PhaseSpec['feeds'] =
      config.classes > 0 ? { labels: { shape: [images, config.classes], dtype: 'float32' } } : {};
    const feeds: PhaseSpec['feeds'] = { seed: { shape: [2], dtype: 'int32' }, ...labels, ...rows(images) };
    shared['generatorPathLength.measure'] = { feeds, body: pathLengthsOfRound(context, images) };
    const round: PhaseSpec = {
      feeds: { ...feeds, lengthMean: { shape: [1], dtype: 'float32' } },
      body: guarded(config, generatorPathLengthRound(context, images)),
    };
    const optimizer = ['G', trained.G] as const;
    Object.assign(shared, inRounds('generatorPathLength', round, total / images, optimizer, ['pl_mean']));
  }
  return shared;
}

/** The same initial values under each prefix; they depend on seed, network and name. */
function variablesOf(
  specs: ParameterSpecs,
  prefixes: readonly string[],
  seed: number,
): Record<string, VariableSpec> {
  const variables: Record<string, VariableSpec> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const init = initialValues(spec, seed, `${prefixes[0]}${name}`);
    for (const prefix of prefixes) variables[`${prefix}${name}`] = { shape: spec.shape, init };
  }
  return variables;
}

/**
 * Adam for a network that takes `interval` steps and one lazy one: rate and decays are lowered so that they amount to what they
 * would be without the additional steps. Karras et al. 2020, section 3.1 and appendix B.
 */
function adam(
  { beta1, beta2, epsilon }: TrainingOptions,
  rate: number,
  interval: number,
  variables: string[],
): AdamOptions {
  const ratio = interval > 0 ? interval / (interval + 1) : 1;
  return { learningRate: rate * ratio, beta1: beta1 ** ratio, beta2: beta2 ** ratio, epsilon, variables };
}
