/** VGG without batch norm (Simonyan and Zisserman 2014, configurations D and E). */
import { type Classifier, IMAGENET_RANGE, type Layer, output, sequence } from './layers.js';

/** Channels of the convolutions of each of the five stages. */
const WIDTHS = [64, 128, 256, 512, 512];

export const vgg16 = vgg('vgg16', [2, 2, 3, 3, 3]);
export const vgg19 = vgg('vgg19', [2, 2, 4, 4, 4]);

/** @param repeats number of convolutions of each stage */
function vgg(name: string, repeats: readonly number[]): Classifier {
  return {
    name,
    side: 224,
    resize: 'bicubic',
    range: IMAGENET_RANGE,
    epsilon: 0,
    network: sequence(
      ...stages(repeats),
      { kind: 'flatten' },
      { kind: 'linear', name: 'classifier.0', outputs: 4096, bias: true, relu: true },
      { kind: 'linear', name: 'classifier.3', outputs: 4096, bias: true, relu: true },
      output('features'),
      { kind: 'linear', name: 'classifier.6', outputs: 1000, bias: true, relu: false },
      output('logits'),
    ),
    head: 'classifier.6',
    features: 4096,
  };
}

/** Published names count the activations and poolings too. */
function stages(repeats: readonly number[]): Layer[] {
  const layers: Layer[] = [];
  let position = 0;
  for (const [stage, count] of repeats.entries()) {
    for (let i = 0; i < count; i++, position += 2) {
      layers.push({
        kind: 'convolution',
        name: `features.${position}`,
        norm: null,
        outputs: WIDTHS[stage] as number,
        kernel: [3, 3],
        stride: 1,
        padding: [1, 1],
        relu: true,
      });
    }
    layers.push({ kind: 'pooling', reduce: 'max', size: 2, stride: 2, padding: 0, countsPadding: false });
    position++;
  }
  return layers;
}
