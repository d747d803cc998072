/** A tiny classifier with every kind of layer. */
import { branches, type Classifier, type Layer, output, sequence } from '../../src/nn/classifiers/layers.js';

function conv(
  name: string,
  norm: string | null,
  options: { outputs: number; kernel?: 1 | 3; stride?: number },
): Layer {
  const { outputs, kernel = 3, stride = 1 } = options;
  const padding = (kernel - 1) / 2;
  return {
    kind: 'convolution',
    name,
    norm,
    outputs,
    kernel: [kernel, kernel],
    stride,
    padding: [padding, padding],
    relu: true,
  };
}

function pool(reduce: 'max' | 'mean', stride: number, countsPadding: boolean): Layer {
  return { kind: 'pooling', reduce, size: 3, stride, padding: 1, countsPadding };
}

/** @param classes outputs of its head; its input has 12 x 12 pixels */
export function tinyClassifier(classes: number): Classifier {
  return {
    name: 'tiny',
    side: 12,
    resize: 'bicubic',
    range: { mean: [120, 120, 120], deviation: [60, 60, 60] },
    epsilon: 1e-3,
    network: sequence(
      conv('conv0', 'norm0', { outputs: 4 }),
      pool('max', 2, false),
      branches(
        sequence(pool('mean', 1, false), conv('mean', 'normMean', { outputs: 2, kernel: 1 })),
        sequence(pool('mean', 1, true), conv('counted', 'normCounted', { outputs: 2, kernel: 1 })),
        pool('max', 1, false),
        {
          kind: 'convolution',
          name: 'row',
          norm: 'normRow',
          outputs: 2,
          kernel: [1, 3],
          stride: 1,
          padding: [0, 1],
          relu: true,
        },
      ),
      { kind: 'residual', body: conv('body', null, { outputs: 10 }), shortcut: null },
      {
        kind: 'residual',
        body: conv('strided', 'normStrided', { outputs: 6, stride: 2 }),
        shortcut: conv('shortcut', 'normShortcut', { outputs: 6, kernel: 1, stride: 2 }),
      },
      { kind: 'flatten' },
      {
        kind: 'linear',
        name: 'hidden',
        outputs: 5,
        bias: true,
        relu: true,
      },
      output('features'),
      { kind: 'linear', name: 'head', outputs: classes, bias: true, relu: false },
      output('logits'),
    ),
    head: 'head',
    features: 5,
  };
}
