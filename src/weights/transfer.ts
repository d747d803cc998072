/**
 * Transfer learning: a training starts from the weights of another one, as far as names and shapes
 * match.
 */
import { CheckpointError } from '../core/errors.js';
import type { NamedTensor } from '../nn/formats/safetensors.js';
import type { TransferReport } from '../spec/results.js';
import type { NetworkConfig } from '../gan/config.js';
import type { Variables } from '../checkpoints/variables.js';
import { sameShape } from './infer-config.js';
import { UnusedWeights } from './unused-weights.js';
import type { SourceWeights } from './source.js';
import { NETWORKS, type NetworkName } from './network-weights.js';

export interface Transfer {
  /** Values of the copied variables, by their names in the program. */
  variables: Variables;
  report: TransferReport;
}

/**
 * Copies every tensor of G, D and G_ema that the source has with the same name and shape. A
 * missing generator is copied from the other generator; a missing discriminator starts from initial
 * values. So does a mapping network of another depth or zDim, because a part of one gives no w that
 * fits the synthesis network. Optimizer, augmentation and kimg are not copied.
 *
 * @param shapes of the new training's variables, by name
 * @throws CheckpointError when the source is of another architecture, or so different that no layer
 *   of its generator fits
 */
export function planTransfer(
  config: NetworkConfig,
  shapes: Record<string, readonly number[]>,
  source: SourceWeights,
): Transfer {
  if (source.config.cfg !== config.cfg)
    throw incompatible(
      source,
      config,
      `is of the architecture ${source.config.cfg}, this training of ${config.cfg}`,
    );
  const report: TransferReport = {
    from: source.from,
    kimg: source.kimg,
    networks: {},
    initialized: [],
    notes: [],
  };
  const mapping = mappingMismatch(config, source.config);
  if (mapping)
    report.notes.push(
      `the mapping network starts from initial values: it ${mapping}, and a part of one is useless`,
    );
  const variables: Variables = {};
  const unused = new UnusedWeights();
  for (const name of NETWORKS) {
    const given = sourceTensors(name, source, report);
    const own = Object.keys(shapes).filter((variable) => variable.startsWith(`${name}.`));
    // The discriminator's mapping network has the same depth in every configuration.
    const isOtherMapping = (tensor: string) =>
      mapping !== null && name !== 'D' && tensor.startsWith('mapping.');
    for (const variable of own) {
      const tensor = variable.slice(name.length + 1);
      const why = isOtherMapping(tensor) ? mapping : shapeMismatch(given[tensor]?.shape, shapes[variable]);
      if (why === null) variables[variable] = (given[tensor] as NamedTensor).data;
      else report.initialized.push(`${variable}: ${why}`);
    }
    const copied = own.filter((variable) => variable in variables).length;
    report.networks[name] = { copied, initialized: own.length - copied };
    const unknown = (tensor: string) =>
      !Object.hasOwn(shapes, `${name}.${tensor}`) && !isOtherMapping(tensor);
    unused.add(name, Object.keys(given).filter(unknown));
  }
  report.notes.push(...unused.notes());
  const fits = Object.keys(variables).some((name) =>
    /^G\.synthesis\..*(?<!affine|torgb)\.weight$/.test(name),
  );
  if (!fits) throw incompatible(source, config, 'has no layer in its generator that this training could use');
  requireFinite(variables, source.from);
  return { variables, report };
}

/** The reason why the source's mapping network is not copied; null: it is copied. */
function mappingMismatch(ours: NetworkConfig, theirs: NetworkConfig): string | null {
  const [own, other] = [ours.mappingLayers, theirs.mappingLayers];
  if (own !== other) return `was ${layersText(other)} deep, is ${own}`;
  return ours.zDim === theirs.zDim ? null : `was of zDim ${theirs.zDim}, is of ${ours.zDim}`;
}

function layersText(count: number): string {
  return count === 1 ? '1 layer' : `${count} layers`;
}

/** The reason why a tensor is not copied; null: it is copied. */
function shapeMismatch(theirs: readonly number[] | undefined, ours: readonly number[] = []): string | null {
  if (!theirs) return 'not in the source';
  return sameShape(theirs, ours) ? null : `was ${shapeText(theirs)}, is ${shapeText(ours)}`;
}

/** The tensors that a network starts from. */
function sourceTensors(
  name: NetworkName,
  { networks }: SourceWeights,
  report: TransferReport,
): NonNullable<SourceWeights['networks'][NetworkName]> {
  const own = networks[name];
  if (own) return own;
  const other = name === 'D' ? undefined : (networks.G_ema ?? networks.G);
  report.notes.push(
    other
      ? `${name} is not in the source: it starts from the other generator`
      : `${name} is not in the source: it starts from initial values`,
  );
  return other ?? {};
}

function requireFinite(variables: Variables, from: string): void {
  const broken = Object.entries(variables).find(([, values]) => !values.every(Number.isFinite));
  if (!broken) return;
  throw new CheckpointError({
    what: `has values in ${broken[0]} that are not finite`,
    where: from,
    hint: 'Use another checkpoint.',
  });
}

function incompatible(
  { config: theirs, from }: SourceWeights,
  ours: NetworkConfig,
  what: string,
): CheckpointError {
  const sizes = ({ resolution, channels, cbase, cmax, wDim }: NetworkConfig) =>
    `${resolution} px, ${channels === 1 ? 'gray' : 'RGB'}, cbase ${cbase}, cmax ${cmax}, wDim ${wDim}`;
  // A spec contains half of the channels of stylegan3-r.
  const halves = theirs.cfg === 'stylegan3-r' ? 2 : 1;
  const half = (channels: number) => Math.ceil(channels / halves);
  const channels = `cbase ${half(theirs.cbase)}, cmax ${half(theirs.cmax)}`;
  return new CheckpointError({
    what: `${what} (source: ${sizes(theirs)}; this training: ${sizes(ours)})`,
    where: `train.resume ${from}`,
    hint: `Set cfg ${theirs.cfg}, ${channels}, zDim ${theirs.zDim}, wDim ${theirs.wDim}, mapDepth ${theirs.mappingLayers}, or use other weights.`,
  });
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
