/**
 * Texture by stretches of equal gray levels: runs along four directions (Galloway 1975) and
 * connected zones (Thibault et al. 2009; IBSI, sections 3.7 and 3.8). Both have the same features.
 */
import { DIRECTIONS } from './cooccurrence.js';
import { type GrayImage, plogp } from './gray-levels.js';

/** Names of the features of runs, and of zones. */
const NAMES = {
  runs: { small: 'ShortRun', large: 'LongRun', gray: 'Run', size: 'RunLength', own: 'Run' },
  zones: { small: 'SmallArea', large: 'LargeArea', gray: 'Zone', size: 'SizeZone', own: 'Zone' },
};

/** Numbers of stretches by gray level and size. */
type Stretches = Map<number, Map<number, number>>;

/** Means over four directions. */
export function runFeatures(image: GrayImage): Record<string, number> {
  const all = DIRECTIONS.map((direction) => featuresOf(runs(image, direction), 'runs'));
  const names = Object.keys(all[0] as Record<string, number>);
  return Object.fromEntries(
    names.map((name) => [name, all.reduce((sum, one) => sum + (one[name] as number), 0) / all.length]),
  );
}

export function zoneFeatures(image: GrayImage): Record<string, number> {
  return featuresOf(zones(image), 'zones');
}

function runs({ side, levels, grays }: GrayImage, [down, right]: readonly [number, number]): Stretches {
  const found: Stretches = new Map();
  const levelAt = (row: number, column: number) =>
    row < 0 || column < 0 || row >= side || column >= side ? -1 : (levels[row * side + column] as number);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const level = levelAt(row, column);
      if (levelAt(row - down, column - right) === level) continue;
      let length = 1;
      while (levelAt(row + length * down, column + length * right) === level) length++;
      count(found, grays[level] as number, length);
    }
  }
  return found;
}

/** Zones of pixels that touch at sides or corners. */
function zones({ side, levels, grays }: GrayImage): Stretches {
  const found: Stretches = new Map();
  const seen = new Uint8Array(levels.length);
  for (let start = 0; start < levels.length; start++) {
    if (seen[start]) continue;
    const level = levels[start] as number;
    const open = [start];
    seen[start] = 1;
    let size = 0;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      size++;
      for (const next of around(at, side)) {
        if (seen[next] || levels[next] !== level) continue;
        seen[next] = 1;
        open.push(next);
      }
    }
    count(found, grays[level] as number, size);
  }
  return found;
}

/** The up to eight pixels around one. */
export function around(at: number, side: number): number[] {
  const [row, column] = [Math.floor(at / side), at % side];
  const found: number[] = [];
  for (let r = Math.max(0, row - 1); r <= Math.min(side - 1, row + 1); r++)
    for (let c = Math.max(0, column - 1); c <= Math.min(side - 1, column + 1); c++)
      if (r !== row || c !== column) found.push(r * side + c);
  return found;
}

function count(stretches: Stretches, gray: number, size: number): void {
  const sizes = stretches.get(gray) ?? new Map<number, number>();
  stretches.set(gray, sizes);
  sizes.set(size, (sizes.get(size) ?? 0) + 1);
}

function featuresOf(stretches: Stretches, kind: keyof typeof NAMES): Record<string, number> {
  const entries = [...stretches].flatMap(([gray, sizes]) =>
    [...sizes].map(([size, number]) => ({ gray, size, number })),
  );
  const sum = (weight: (gray: number, size: number) => number) =>
    entries.reduce((total, { gray, size, number }) => total + number * weight(gray, size), 0);
  const total = sum(() => 1);
  const share = (weight: (gray: number, size: number) => number) => sum(weight) / total;
  const [grayMean, sizeMean] = [share((gray) => gray), share((_, size) => size)];
  const nonUniformity = (key: 'gray' | 'size') => {
    const counts = new Map<number, number>();
    for (const entry of entries) counts.set(entry[key], (counts.get(entry[key]) ?? 0) + entry.number);
    return [...counts.values()].reduce((all, number) => all + number * number, 0) / total;
  };
  const { small, large, gray, size, own } = NAMES[kind];
  return {
    GrayLevelNonUniformity: nonUniformity('gray'),
    GrayLevelNonUniformityNormalized: nonUniformity('gray') / total,
    GrayLevelVariance: share((g) => (g - grayMean) ** 2),
    [`HighGrayLevel${gray}Emphasis`]: share((g) => g * g),
    [`${large}Emphasis`]: share((_, s) => s * s),
    [`${large}HighGrayLevelEmphasis`]: share((g, s) => g * g * s * s),
    [`${large}LowGrayLevelEmphasis`]: share((g, s) => (s / g) ** 2),
    [`LowGrayLevel${gray}Emphasis`]: share((g) => 1 / (g * g)),
    [`${own}Entropy`]: -entries.reduce((all, { number }) => all + plogp(number / total), 0),
    [`${size}NonUniformity`]: nonUniformity('size'),
    [`${size}NonUniformityNormalized`]: nonUniformity('size') / total,
    [`${own}Percentage`]: total / sum((_, s) => s),
    [`${own}Variance`]: share((_, s) => (s - sizeMean) ** 2),
    [`${small}Emphasis`]: share((_, s) => 1 / (s * s)),
    [`${small}HighGrayLevelEmphasis`]: share((g, s) => (g / s) ** 2),
    [`${small}LowGrayLevelEmphasis`]: share((g, s) => 1 / (g * s) ** 2),
  };
}
