/** The available feature extractors. */
import type { ExtractorName } from '../../spec/metrics.js';
import { classifierExtractor } from './classifier.js';
import { effnetlite0 } from './effnetlite0.js';
import type { FeatureExtractor } from './extractor.js';
import { radiomics } from './radiomics.js';

export const EXTRACTORS: Record<ExtractorName, FeatureExtractor> = {
  effnetlite0,
  inception: classifierExtractor('inception'),
  resnet50: classifierExtractor('resnet50'),
  resnet101: classifierExtractor('resnet101'),
  swav_resnet50: classifierExtractor('swav_resnet50'),
  vgg16: classifierExtractor('vgg16'),
  vgg19: classifierExtractor('vgg19'),
  inception_v3: classifierExtractor('inception_v3'),
  radiomics,
};
