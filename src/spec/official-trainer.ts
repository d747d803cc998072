/** What a `train` spec may not say when the official trainer runs it: settings that train.py has no option for. */
import type { z } from 'zod';

/** Of what only the official trainer takes. */
export const OFFICIAL_DEFAULTS = { gpus: 1, workers: 3, fp32: false } as const;

/** The keys that matter, as resolved. */
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

/** Lengths of z and w, which train.py fixes. */
const LATENT = 512;

/** Thousands of images in which train.py's augmentation can go from none to full: a discriminator that comes trained needs it sooner. */
export function officialAdaKimg(resume: string | null): number {
  return resume ? 100 : 500;
}

export function refuseWhatOfficialLacks(train: OfficialSettings, context: z.core.$RefinementCtx): void {
  const found = train.engine === 'stylegan3' ? refusals(train) : refusalsElsewhere(train);
  for (const [key, message] of found) {
    context.addIssue({ code: 'custom', path: [key], message });
  }
}

/** A setting that the built-in engine would pass over in silence. */
function* refusalsElsewhere({ stylegan3 }: OfficialSettings): Iterable<[key: string, message: string]> {
  const { gpus, workers, fp32 } = stylegan3;
  if (gpus !== OFFICIAL_DEFAULTS.gpus || workers !== OFFICIAL_DEFAULTS.workers || fp32)
    yield ['stylegan3', 'is of engine stylegan3 only'];
}

function* refusals(train: OfficialSettings): Iterable<[key: string, message: string]> {
  const fixed = (value: string) => `must be ${value} with engine stylegan3, which has no option for it`;
  if (train.zDim !== LATENT) yield ['zDim', fixed(String(LATENT))];
  if (train.wDim !== LATENT) yield ['wDim', fixed(String(LATENT))];
  if (train.precision !== 'auto')
    yield ['precision', 'must be auto with engine stylegan3, where stylegan3.fp32 says it'];
  if (train.emaKimg !== 'auto') yield ['emaKimg', fixed('auto')];
  const adaKimg = officialAdaKimg(train.resume);
  if (train.aug === 'ada' && train.adaKimg !== 'auto' && train.adaKimg !== adaKimg)
    yield ['adaKimg', fixed(`auto or ${adaKimg}`)];
  // Auto would be `medical` for gray images: what flips and inverts them has to be asked for.
  if (train.aug !== 'none' && train.aug !== 'auto' && train.augPipe !== 'bgc')
    yield [
      'augPipe',
      'must be chosen with engine stylegan3, which has bgc only: that flips, turns and recolours images, gray ones too; set augPipe: bgc if left and right do not matter, else aug: none or engine: tfjs',
    ];
  if (train.target < 0) yield ['target', 'must be 0...1 with engine stylegan3'];
}
