/** ResNet with bottleneck blocks (He et al. 2015), with the stride in the 3x3 convolution. */
import { type Classifier, IMAGENET_RANGE, type Layer, output, type Pair, sequence } from './layers.js';

const EXPANSION = 4;
const WIDTHS = [64, 128, 256, 512];

export const resnet50 = resnet('resnet50', [3, 4, 6, 3]);
export const resnet101 = resnet('resnet101', [3, 4, 23, 3]);

/**
 * SwAV (Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster
 * Assignments"): the same network with a projection to 128 values and 3,000 prototypes, whose
 * outputs metrics do not use. Its publishers trained it on two cards or more, so names have a
 * prefix.
 */
export const swavResnet50: Classifier = {
  ...resnet('swav_resnet50', [3, 4, 6, 3], null),
  prefix: 'module.',
  unused: /^(projection_head\.|prototypes\.)/,
};

/** @param repeats number of blocks of each of the four stages */
function resnet(name: string, repeats: readonly number[], head: string | null = 'fc'): Classifier {
  const stages = repeats.flatMap((count, stage) =>
    Array.from({ length: count }, (_, i) =>
      block(`layer${stage + 1}.${i}`, WIDTHS[stage] as number, stage, i),
    ),
  );
  return {
    name,
    side: 224,
    resize: 'bicubic',
    range: IMAGENET_RANGE,
    epsilon: 1e-5,
    network: sequence(
      convolution('conv1', 'bn1', { outputs: 64, kernel: 7, stride: 2 }),
      { kind: 'pooling', reduce: 'max', size: 3, stride: 2, padding: 1, countsPadding: false },
      ...stages,
      { kind: 'globalMean' },
      output('features'),
      ...classes(head),
    ),
    head,
    features: 2048,
  };
}

/** The layer of the classes, if there is one. */
function classes(head: string | null): Layer[] {
  if (head === null) return [];
  return [{ kind: 'linear', name: head, outputs: 1000, bias: true, relu: false }, output('logits')];
}

function block(name: string, width: number, stage: number, index: number): Layer {
  const stride = stage > 0 && index === 0 ? 2 : 1;
  const own = (i: number, outputs: number, kernel: number, more: Partial<Shape> = {}) =>
    convolution(`${name}.conv${i}`, `${name}.bn${i}`, { outputs, kernel, ...more });
  return {
    kind: 'residual',
    body: sequence(
      own(1, width, 1),
      own(2, width, 3, { stride }),
      own(3, width * EXPANSION, 1, { relu: false }),
    ),
    shortcut:
      index === 0
        ? convolution(`${name}.downsample.0`, `${name}.downsample.1`, {
            outputs: width * EXPANSION,
            kernel: 1,
            stride,
            relu: false,
          })
        : null,
  };
}

interface Shape {
  outputs: number;
  kernel: number;
  stride: number;
  relu: boolean;
}

function convolution(
  name: string,
  norm: string,
  { outputs, kernel, stride = 1, relu = true }: Pick<Shape, 'outputs' | 'kernel'> & Partial<Shape>,
): Layer {
  const padding: Pair = [(kernel - 1) / 2, (kernel - 1) / 2];
  return { kind: 'convolution', name, norm, outputs, kernel: [kernel, kernel], stride, padding, relu };
}
