/**
 * Published weights of classifier networks: addresses, and the first eight digits of their SHA-256,
 * which their publishers write into the names of the files.
 */
import type { ClassifierName } from '../../nn/classifiers/index.js';
import { environment } from '../../core/environment.js';

interface Published {
  /** Name of the file; its digest is before the ending, if its publisher states one. */
  file: string;
  /** Address of its folder. */
  folder: string;
}

const TORCHVISION = 'https://download.pytorch.org/models/';
const SWAV = 'https://dl.fbaipublicfiles.com/deepcluster/';
const FID = 'https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/';

/** The first file of each network is the one that is fetched; the others are known too. */
const PUBLISHED: Record<ClassifierName, readonly [Published, ...Published[]]> = {
  inception: [{ file: 'weights-inception-2015-12-05-6726825d.pth', folder: FID }],
  resnet50: [
    { file: 'resnet50-0676ba61.pth', folder: TORCHVISION },
    { file: 'resnet50-11ad3fa6.pth', folder: TORCHVISION },
    { file: 'resnet50-19c8e357.pth', folder: TORCHVISION },
  ],
  resnet101: [
    { file: 'resnet101-63fe2227.pth', folder: TORCHVISION },
    { file: 'resnet101-cd907fc2.pth', folder: TORCHVISION },
    { file: 'resnet101-5d3b4d8f.pth', folder: TORCHVISION },
  ],
  swav_resnet50: [{ file: 'swav_800ep_pretrain.pth.tar', folder: SWAV }],
  vgg16: [{ file: 'vgg16-397923af.pth', folder: TORCHVISION }],
  vgg19: [{ file: 'vgg19-dcbb9e9d.pth', folder: TORCHVISION }],
  inception_v3: [
    { file: 'inception_v3_google-0cc3c7bd.pth', folder: TORCHVISION },
    { file: 'inception_v3_google-1a9a5a14.pth', folder: TORCHVISION },
  ],
};

/** Where weights are published; GIST_WEIGHTS_URL replaces the address of their publishers. */
export function publishedAddress(name: ClassifierName): string {
  const [{ file, folder }] = PUBLISHED[name];
  const mirror = environment.weightsUrl();
  return mirror === undefined ? `${folder}${file}` : `${mirror.replace(/\/*$/, '/')}${file}`;
}

/** Whether a digest is that of published weights of a network. */
export function isPublished(name: ClassifierName, sha256: string): boolean {
  return PUBLISHED[name].some(({ file }) => digestIn(file) === sha256.slice(0, 8));
}

/** Whether the publisher of the file that is fetched states its digest. */
export function hasPublishedDigest(name: ClassifierName): boolean {
  return digestIn(PUBLISHED[name][0].file) !== undefined;
}

/** The digits that a publisher wrote into the name of a file. */
function digestIn(file: string): string | undefined {
  return /-([0-9a-f]{8})\.\w+$/.exec(file)?.[1];
}
