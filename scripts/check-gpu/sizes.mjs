/** What is checked: whole sizes on a GPU, toy sizes on a CPU. */
import { availableParallelism } from 'node:os';

export const FAMILIES = ['stylegan2', 'stylegan3-t'];

export function sizesOf(isGpu) {
  return isGpu ? WHOLE : TOY;
}

const LATENTS = { channels: 1, classes: 0, mapDepth: 2, zDim: 512, wDim: 512 };
const HALF = { half: 'float16', clamp: 256 };
const threads = availableParallelism();

/** Families, forms of the filters, and XLA, which may compile until its time is over. */
const ROWS = [
  ['stylegan2', 'matrices', false],
  ['stylegan3-t', 'matrices', false],
  ['stylegan2', 'slices', false],
  ['stylegan3-t', 'slices', false],
  ['stylegan2', 'convolution', false],
  ['stylegan2', 'matrices', true],
];

/** 256 px with the channels of the published configurations; the usual form of a GPU is first. */
const WHOLE = {
  filterForms: ['matrices'],
  trainings: {
    resolution: 64,
    images: 64,
    steps: 240,
    half: 'float16',
    leastCosine: 0.99,
    spec: { cfg: 'stylegan2', batch: 16, cbase: 4096, cmax: 128, aug: 'ada' },
  },
  // In the order of their worth, since time may run out.
  steps: ROWS.map(([cfg, form, xla]) => ({
    name: `${cfg}, 256 px, ${form}${xla ? ', XLA' : ''}`,
    form,
    xla,
    network: { cfg, resolution: 256, cbase: cfg === 'stylegan2' ? 16384 : 32768, ...HALF, ...LATENTS },
    // The micro-batch of the official guide.
    batch: cfg === 'stylegan2' ? 32 : 16,
    seconds: 6,
    threads,
  })),
  official: { resolution: 256, images: 64, batch: 32, kimg: 8 },
};

const TOY = {
  filterForms: ['matrices'],
  trainings: {
    resolution: 16,
    images: 32,
    steps: 240,
    half: 'bfloat16',
    leastCosine: 0.99,
    spec: {
      cfg: 'stylegan2',
      batch: 4,
      cbase: 256,
      cmax: 16,
      mapDepth: 2,
      zDim: 16,
      wDim: 16,
      aug: 'none',
      threads: 1,
    },
  },
  steps: FAMILIES.flatMap((cfg) =>
    (cfg === 'stylegan2' ? ['convolution', 'matrices'] : ['matrices']).map((form) => ({
      name: `${cfg}, 16 px, ${form}`,
      form,
      xla: false,
      network: { cfg, resolution: 16, cbase: 256, cmax: 16, ...LATENTS, zDim: 16, wDim: 16 },
      batch: 4,
      seconds: 0.5,
      threads: 1,
    })),
  ),
  official: { resolution: 16, images: 32, batch: 4, kimg: 8 },
};
