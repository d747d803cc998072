/** Checks of a `train` spec for the official trainer: settings for which train.py has no option. */
import type { z } from 'zod';

/** Defaults of the settings that only the official trainer has. */
export const OFFICIAL_DEFAULTS = { gpus: 1, workers: 3, fp32: false } as const;

/** The keys of a `train` spec that the checks use. */
interface OfficialSettings {
  engine: string;
  zDim: number;
  wDim: number;
  emaKimg: 'auto' | number;
  adaKimg: 'auto' | number;
  resume: string | null;
  aug: string;
  augPipe: string;
  target: number;
  precision: string;
  stylegan3: { gpus: number; workers: number; fp32: boolean };
}

/** Length of z and w, which is fixed in train.py. */
const LATENT_SIZE = 512;

/**
 * Adjustment speed of ADA in train.py: kimg in which the augmentation probability can rise from 0
 * to 1. It is faster for transfer learning.
 */
export function officialAdaKimg(resume: string | null): number {
  return resume ? 100 : 500;
}

export function checkOfficialSettings(train: OfficialSettings, context: z.core.$RefinementCtx): void {
  const issues = train.engine === 'stylegan3' ? officialIssues(train) : builtInIssues(train);
  for (const [key, message] of issues) {
    context.addIssue({ code: 'custom', path: [key], message });
  }
}

/** Settings that the built-in engine would ignore. */
function* builtInIssues({ stylegan3 }: OfficialSettings): Iterable<[key: string, message: string]> {
  const { gpus, workers, fp32 } = stylegan3;
  if (gpus !== OFFICIAL_DEFAULTS.gpus || workers !== OFFICIAL_DEFAULTS.workers || fp32)
    yield ['stylegan3', 'is only valid with engine stylegan3'];
}

function* officialIssues(train: OfficialSettings): Iterable<[key: string, message: string]> {
  const fixed = (value: string) => `must be ${value} with engine stylegan3, which has no option for it`;
  if (train.zDim !== LATENT_SIZE) yield ['zDim', fixed(String(LATENT_SIZE))];
  if (train.wDim !== LATENT_SIZE) yield ['wDim', fixed(String(LATENT_SIZE))];
  if (train.precision !== 'auto')
    yield ['precision', 'must be auto with engine stylegan3; use stylegan3.fp32 instead'];
  if (train.emaKimg !== 'auto') yield ['emaKimg', fixed('auto')];
  const adaKimg = officialAdaKimg(train.resume);
  if (train.aug === 'ada' && train.adaKimg !== 'auto' && train.adaKimg !== adaKimg)
    yield ['adaKimg', fixed(`auto or ${adaKimg}`)];
  // Auto means `medical` for gray images, so flips and color changes must be requested explicitly.
  if (train.aug !== 'none' && train.aug !== 'auto' && train.augPipe !== 'bgc')
    yield [
      'augPipe',
      'must be set explicitly with engine stylegan3, which only has bgc: it flips, rotates and recolors images, including gray ones; set augPipe: bgc if left and right do not matter, otherwise aug: none or engine: tfjs',
    ];
  if (train.target < 0) yield ['target', 'must be 0...1 with engine stylegan3'];
}
