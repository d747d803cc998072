/** A training as one program: variables, optimizers and phases, and the schedule of the phases. */
import type { AdamOptions, ProgramDefinition, VariableSpec } from '../../nn/program/program.js';
import type { NetworkConfig } from '../config.js';
import { initialValues, type ParameterSpecs, trainableNames } from '../networks/parameters.js';
import { networkOf } from '../networks/registry.js';
import { sumVariables } from './accumulation.js';
import { withoutFrozen } from './frozen.js';
import type { TrainingOptions } from './options.js';
import type { PhaseContext } from './phase-context.js';
import { planStep, type Schedule } from './step-plan.js';
import { runningMeans } from './weight-average.js';

export interface TrainingProgram {
  definition: ProgramDefinition;
  /** How a step runs the phases of the program. */
  schedule: Schedule;
}

/**
 * The training of networks of a configuration. Variables are `G.*`, `D.*`, `G_ema.*` under their
 * names in state dicts, `pl_mean`, and the sums of {@link sumVariables} where a batch has several
 * micro-batches.
 */
export function buildTrainingProgram(config: NetworkConfig, options: TrainingOptions): TrainingProgram {
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
  const { schedule, phases } = planStep(context);
  const optimizers = {
    G: adam(options, options.glr, options.plInterval, trained.G),
    D: adam(options, options.dlr, options.r1Interval, trained.D),
  };
  return {
    definition: { variables: { ...variables, ...sumsOf(context, variables) }, optimizers, phases },
    schedule,
  };
}

/** Sums over the micro-batches of a step, if there are several. */
function sumsOf(
  { config, options, trained }: PhaseContext,
  variables: Record<string, VariableSpec>,
): Record<string, VariableSpec> {
  if (options.batchGpu === options.batch) return {};
  return sumVariables(variables, [...trained.G, ...trained.D, ...runningMeans(config), 'pl_mean']);
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
 * Adam for a network with one additional lazy step every `interval` steps: learning rate and decays
 * are corrected so that `interval + 1` steps have the effect of `interval`. Karras et al. 2020,
 * section 3.1 and appendix B.
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
