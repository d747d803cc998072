/** Whether the best setting is better than the default by more than chance gives, in words. */
import { RandomStream } from '../core/random.js';
import { figures, freedomOf, pooledSpread, type Repeats } from './spread.js';

/** The runs of one setting at the full length of the training. */
export interface SettingSummary extends Repeats {
  setting: string;
  label: string;
  isDefault: boolean;
}

export interface SettingsAnswer {
  /** The answer in two or three sentences. */
  text: string;
  /** The setting with the lowest mean; null when nothing has finished. */
  best: string | null;
  /** How much lower the best is than the default; null without both. */
  gain: number | null;
  /** Standard deviation over seeds, of all settings together. */
  spread: number | null;
  /** The gain that the best of as many equal settings stays below in 95 % of sweeps. */
  chance: number | null;
  /** Whether the best is shown to be better than the default. */
  isBetter: boolean;
}

const DRAWS = 1_000;
const SEED = 0;
/** The best of more settings than this is hardly lower, and takes longer to simulate. */
const MOST_SIMULATED = 300;

/**
 * @param metric its name in the text
 * @param tried settings that were tried, the default excluded: also those that stopped early
 */
export function answerSettings(
  summaries: readonly SettingSummary[],
  metric: string,
  tried: number,
): SettingsAnswer {
  const spread = pooledSpread(summaries);
  const base = summaries.find(({ isDefault }) => isDefault);
  const others = summaries.filter(({ isDefault }) => !isDefault);
  const best = lowest(others);
  if (!base || !best) {
    const missing = base ? 'no other setting' : 'the default';
    const text = `Nothing to compare yet: ${missing} has finished its full training.`;
    return { text, best: null, gain: null, spread, chance: null, isBetter: false };
  }
  const gain = base.mean - best.mean;
  const chance =
    spread === null ? null : spread * chanceGain(base, best, { tried, freedom: freedomOf(summaries) });
  const isBetter = chance !== null && spread !== null && gain > Math.max(chance, spread);
  const winner = gain > 0 ? best.setting : base.setting;
  const text = `${comparison({ base, best, gain, metric, tried })} ${verdict({ gain, spread, chance, tried })}`;
  return { text, best: winner, gain, spread, chance, isBetter };
}

function lowest(summaries: readonly SettingSummary[]): SettingSummary | undefined {
  return [...summaries].sort((a, b) => a.mean - b.mean)[0];
}

interface Compared {
  base: SettingSummary;
  best: SettingSummary;
  gain: number;
  metric: string;
  tried: number;
}

function comparison({ base, best, gain, metric, tried }: Compared): string {
  const many = tried === 1 ? 'The other setting' : `The best of ${tried} other settings`;
  if (gain <= 0)
    return `No setting is better than the default, with ${metric} ${figures(base.mean)}. ${many}, ${best.label}, reaches ${figures(best.mean)}.`;
  return `${many}, ${best.label}, reaches ${metric} ${figures(best.mean)}; the default ${figures(base.mean)}.`;
}

function verdict({
  gain,
  spread,
  chance,
  tried,
}: Pick<SettingsAnswer, 'spread' | 'chance'> & { gain: number; tried: number }): string {
  if (gain <= 0) return 'These runs give no reason to leave the default.';
  const difference = `The difference, ${figures(gain)},`;
  if (spread === null || chance === null)
    return `${difference} may be chance: with one training of each setting the spread over seeds is not known. Repeats would tell.`;
  if (gain <= spread)
    return `${difference} is not more than the spread over seeds (standard deviation ${figures(spread)}): nothing shows that this setting is better than the default.`;
  const equal = tried === 1 ? 'an equal setting' : `the best of ${tried} equal settings`;
  const limit = `what ${equal} would show by chance (${figures(chance)}, in 95 % of sweeps)`;
  if (gain <= chance)
    return `${difference} is more than the spread over seeds (standard deviation ${figures(spread)}), but not more than ${limit}: it is not shown that this setting is better than the default.`;
  return `${difference} is more than the spread over seeds (standard deviation ${figures(spread)}), and more than ${limit}: this setting is better than the default.`;
}

/**
 * The 95th percentile of (mean of the default - lowest mean of the others) / pooled standard
 * deviation when all settings are equal: the comparison of many with one control (Dunnett 1955, "A
 * multiple comparison procedure for comparing several treatments with a control"), simulated.
 */
function chanceGain(
  base: Repeats,
  best: Repeats,
  { tried, freedom }: { tried: number; freedom: number },
): number {
  const random = new RandomStream(SEED, 'settings-answer');
  const others = Math.min(tried, MOST_SIMULATED);
  const [ofBase, ofOthers] = [base, best].map(({ values }) => 1 / Math.sqrt(values.length)) as [
    number,
    number,
  ];
  const gains = Array.from({ length: DRAWS }, () => {
    let [least, squares] = [Number.POSITIVE_INFINITY, 0];
    for (let i = 0; i < others; i++) least = Math.min(least, random.normal());
    for (let i = 0; i < freedom; i++) squares += random.normal() ** 2;
    return (ofBase * random.normal() - ofOthers * least) / Math.sqrt(squares / freedom);
  }).sort((a, b) => a - b);
  return gains[Math.floor(0.95 * DRAWS)] as number;
}
