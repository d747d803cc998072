/** What the paper found, to be read beside our results. */

/** Accuracy in percent, its table 2: base, and classifiers trained or tested on synthetic ones. */
export const PUBLISHED_ACCURACY = [
  { network: 'Inception', base: 78.36, ganTrain: 65.87, ganTest: 74.03 },
  { network: 'ResNet-101', base: 82.69, ganTrain: 69.71, ganTest: 65.86 },
  { network: 'VGG-19', base: 82.21, ganTrain: 68.27, ganTest: 59.61 },
] as const;

export const PUBLISHED = {
  tuning:
    'Changes of batch size, gamma and learning rate of the discriminator gave no significant improvement over the recommended settings: what there was did not exceed the variability between equal runs.',
  sizes:
    'FID improved with the size of the training set; from 200 images on the improvement was marginal. Generators of 500 images or fewer drew artifacts, that of 781 did not: for lateral elbows more than 500 images are needed.',
  transfer:
    'Training that continued from the model of 781 images improved with the size of the set too. Every smaller set gave artifacts: about 750 images are needed.',
} as const;
