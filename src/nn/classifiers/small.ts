/**
 * A small classifier, which a CPU trains in seconds: every convolution halves the image, since
 * those at the full size would take most of the time.
 */
import { type Classifier, type Layer, output, sequence } from './layers.js';

/** Side of the last maps. */
const LAST_SIDE = 4;
/** Channels of the convolutions; the last number repeats. */
const WIDTHS = [32, 64, 128];
const GRAY_RANGE = {
  mean: [127.5, 127.5, 127.5],
  deviation: [64, 64, 64],
} as const;

/** @param side of the images, which are not resized */
export function smallClassifier(side: number): Classifier {
  const layers: Layer[] = [];
  let width = side;
  for (let i = 0; i === 0 || width > LAST_SIDE; i++) {
    width = Math.ceil(width / 2);
    layers.push({
      kind: 'convolution',
      name: `conv${i}`,
      norm: `norm${i}`,
      outputs: WIDTHS[Math.min(i, WIDTHS.length - 1)] as number,
      kernel: [3, 3],
      stride: 2,
      padding: [1, 1],
      relu: true,
    });
  }
  return {
    name: 'small',
    side,
    resize: 'bicubic',
    range: GRAY_RANGE,
    epsilon: 1e-5,
    network: sequence(
      ...layers,
      { kind: 'globalMean' },
      output('features'),
      { kind: 'linear', name: 'head', outputs: 2, bias: true, relu: false },
      output('logits'),
    ),
    head: 'head',
    features: WIDTHS[WIDTHS.length - 1] as number,
  };
}
