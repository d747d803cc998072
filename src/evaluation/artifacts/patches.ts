/**
 * Unusual patches by PatchCore (Roth et al. 2022, "Towards Total Recall in Industrial Anomaly
 * Detection", section 3): the distance of each patch to the nearest of a coreset of patches of
 * training images.
 */
import { RandomStream } from '../../core/random.js';
import type { OnProgress } from '../../core/progress.js';
import { type AnalyzedSet, drawn, imagesOf, subsetOf } from '../analyses/analyzed-set.js';
import { type PatchNetwork, patchNetwork } from '../extractors/effnetlite0.js';
import { extractorInput, type SquareImage } from '../extractors/input.js';
import { concatRows, type FeatureMatrix, rowsAt } from '../metrics/feature-matrix.js';
import { nearestNeighbors } from '../metrics/neighbors.js';

/** Small images need no large input; larger ones get the side that the network was trained on. */
const SIDES = { small: 128, large: 224 };
const SMALL_UP_TO = 64;
/** Pixels of the input to a patch, and channels of the blocks. */
const STEP = 8;
const CHANNELS = [24, 40, 112];
const WIDTH = CHANNELS.reduce((sum, channels) => sum + channels, 0);
/** Row and column count like this many features: anatomy has its place. */
const PLACE_WEIGHT = 3;
const BATCH = 16;
const BANK_IMAGES = 300;
const PLACE_IMAGES = 150;
const BANK_CANDIDATES = 12_000;
const BANK = 1_200;
const PROJECTED = 24;
const SEED = 0;

export interface PatchScore {
  /** Mean of the most unusual patches, in deviations of training images at their places. */
  score: number;
  /** [grid, grid], deviations. */
  map: Float32Array;
}

export class PatchModel {
  readonly grid: number;
  private bank: FeatureMatrix = { rows: 0, columns: 0, data: new Float32Array(0) };
  private scale: Float32Array = new Float32Array(WIDTH).fill(1);
  /** Mean and deviation of the distance at each place. */
  private usual: { mean: Float32Array; deviation: Float32Array };

  private constructor(
    private readonly network: PatchNetwork,
    private readonly side: number,
  ) {
    this.grid = side / STEP;
    const places = this.grid ** 2;
    this.usual = { mean: new Float32Array(places), deviation: new Float32Array(places).fill(1) };
  }

  /** Learns patches of some training images, and usual distances from others. */
  static async of(train: AnalyzedSet, onProgress: OnProgress): Promise<PatchModel> {
    const side = train.side <= SMALL_UP_TO ? SIDES.small : SIDES.large;
    const model = new PatchModel(await patchNetwork(side, BATCH), side);
    const chosen = [...drawn(train.images, BANK_IMAGES + PLACE_IMAGES)];
    // Two of three are learned from.
    const learned = chosen.filter((_, i) => i % 3 !== 2);
    const others = chosen.filter((_, i) => i % 3 === 2);
    await model.learn(subsetOf(train, Int32Array.from(learned)), onProgress);
    await model.learnPlaces(subsetOf(train, Int32Array.from(others)), onProgress);
    return model;
  }

  /** Calls back with the patch score of each image, in order. */
  async score(
    set: AnalyzedSet,
    onProgress: OnProgress,
    visit: (score: PatchScore, index: number) => void,
  ): Promise<void> {
    const places = this.grid ** 2;
    await this.distances(set, onProgress, (distance, index) => {
      const map = Float32Array.from({ length: places }, (_, i) => {
        const [mean, deviation] = [this.usual.mean[i] as number, this.usual.deviation[i] as number];
        return ((distance[i] as number) - mean) / deviation;
      });
      const worst = Float32Array.from(map).sort().reverse();
      const count = Math.max(1, Math.round(places / 50));
      visit({ score: worst.subarray(0, count).reduce((sum, value) => sum + value, 0) / count, map }, index);
    });
  }

  private async learn(train: AnalyzedSet, onProgress: OnProgress): Promise<void> {
    const random = new RandomStream(SEED, 'patches');
    const places = this.grid ** 2;
    const perImage = Math.max(1, Math.min(places, Math.ceil(BANK_CANDIDATES / train.images)));
    const kept: FeatureMatrix['data'][] = [];
    for await (const { patches } of this.patchesOf(train, onProgress)) {
      const order = random.shuffle(Array.from({ length: patches.rows }, (_, i) => i));
      const images = patches.rows / places;
      kept.push(rowsAt(patches, Int32Array.from(order.slice(0, perImage * images))).data);
    }
    const candidates = concatRows(kept, WIDTH + 2);
    this.scale = scalesOf(candidates);
    this.applyScale(candidates);
    this.bank = rowsAt(candidates, await coreset(candidates, random));
  }

  private async learnPlaces(others: AnalyzedSet, onProgress: OnProgress): Promise<void> {
    const places = this.grid ** 2;
    if (others.images < 2) return;
    const [sums, squares] = [new Float64Array(places), new Float64Array(places)];
    await this.distances(others, onProgress, (distance) => {
      for (let i = 0; i < places; i++) {
        sums[i] = (sums[i] as number) + (distance[i] as number);
        squares[i] = (squares[i] as number) + (distance[i] as number) ** 2;
      }
    });
    const n = others.images;
    const variances = sums.map((sum, i) => Math.max(0, (squares[i] as number) / n - (sum / n) ** 2));
    const typical = variances.reduce((sum, value) => sum + value, 0) / places;
    // Few images say little about one place: half of the variance is that of all places.
    const deviation = Float32Array.from(variances, (value) => Math.sqrt((value + typical) / 2) + 1e-6);
    this.usual = { mean: Float32Array.from(sums, (sum) => sum / n), deviation };
  }

  private async distances(
    set: AnalyzedSet,
    onProgress: OnProgress,
    visit: (distance: Float32Array, index: number) => void,
  ): Promise<void> {
    const places = this.grid ** 2;
    for await (const { first, patches } of this.patchesOf(set, onProgress)) {
      this.applyScale(patches);
      const { squared } = await nearestNeighbors(patches, this.bank, 1);
      for (let i = 0; i < patches.rows / places; i++)
        visit(Float32Array.from(squared.subarray(i * places, (i + 1) * places), Math.sqrt), first + i);
    }
  }

  private applyScale({ rows, columns, data }: FeatureMatrix): void {
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < WIDTH; j++)
        data[i * columns + j] = (data[i * columns + j] as number) * (this.scale[j] as number);
  }

  /** Descriptors of the patches of a batch of images: [images * grid * grid, WIDTH + 2]. */
  private async *patchesOf(
    set: AnalyzedSet,
    onProgress: OnProgress,
  ): AsyncGenerator<{ first: number; patches: FeatureMatrix }> {
    let batch: SquareImage[] = [];
    let first = 0;
    const flush = async () => {
      const input = new Float32Array(BATCH * this.side * this.side * 3);
      for (const [i, image] of batch.entries())
        input.set(extractorInput(image, this.side), i * this.side * this.side * 3);
      const outputs = await this.network(input);
      const patches = describePatches(outputs, batch.length, this.grid);
      const result = { first, patches };
      first += batch.length;
      batch = [];
      onProgress({ done: first, total: set.images, unit: 'images' });
      return result;
    };
    for await (const image of imagesOf(set)) {
      batch.push(image);
      if (batch.length === BATCH) yield await flush();
    }
    if (batch.length > 0) yield await flush();
  }
}

/** All blocks at the grid of the middle one, averaged over 3 x 3 patches, and the place. */
function describePatches(blocks: readonly Float32Array[], images: number, grid: number): FeatureMatrix {
  const columns = WIDTH + 2;
  const data = new Float32Array(images * grid * grid * columns);
  let offset = 0;
  for (const [k, block] of blocks.entries()) {
    const channels = CHANNELS[k] as number;
    for (let image = 0; image < images; image++) {
      const level = atGrid(block, image, channels, grid, [2, 1, 0.5][k] as number);
      const pooled = pooled3(pooled3(level, grid, channels, channels), grid, channels, grid * channels);
      for (let place = 0; place < grid * grid; place++)
        data.set(
          pooled.subarray(place * channels, (place + 1) * channels),
          (image * grid * grid + place) * columns + offset,
        );
    }
    offset += channels;
  }
  const weight = Math.sqrt(PLACE_WEIGHT * 12);
  for (let row = 0; row < images * grid * grid; row++) {
    data[row * columns + WIDTH] = (weight * (Math.floor(row / grid) % grid)) / grid;
    data[row * columns + WIDTH + 1] = (weight * (row % grid)) / grid;
  }
  return { rows: images * grid * grid, columns, data };
}

/** One image of a block with `factor` times as many places a side, brought to the grid. */
function atGrid(
  block: Float32Array,
  image: number,
  channels: number,
  grid: number,
  factor: number,
): Float32Array {
  const side = grid * factor;
  const out = new Float32Array(grid * grid * channels);
  const taken = Math.max(1, factor);
  for (let row = 0; row < grid; row++)
    for (let column = 0; column < grid; column++)
      for (let dy = 0; dy < taken; dy++)
        for (let dx = 0; dx < taken; dx++) {
          const [y, x] = [Math.floor(row * factor) + dy, Math.floor(column * factor) + dx];
          const from = ((image * side + y) * side + x) * channels;
          const to = (row * grid + column) * channels;
          for (let c = 0; c < channels; c++)
            out[to + c] = (out[to + c] as number) + (block[from + c] as number) / taken ** 2;
        }
  return out;
}

/** Means of three neighbors at a distance of `stride` values; the border counts twice. */
function pooled3(values: Float32Array, grid: number, channels: number, stride: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let place = 0; place < grid * grid; place++) {
    const position = stride === channels ? place % grid : Math.floor(place / grid);
    const before = position > 0 ? stride : 0;
    const after = position < grid - 1 ? stride : 0;
    for (let i = place * channels; i < (place + 1) * channels; i++)
      out[i] = ((values[i - before] as number) + (values[i] as number) + (values[i + after] as number)) / 3;
  }
  return out;
}

/** Every block counts as much as any other, with channels of equal variance. */
function scalesOf({ rows, columns, data }: FeatureMatrix): Float32Array {
  const scale = new Float32Array(WIDTH);
  let at = 0;
  for (const channels of CHANNELS) {
    for (let j = at; j < at + channels; j++) {
      let [sum, squares] = [0, 0];
      for (let i = 0; i < rows; i++) {
        const value = data[i * columns + j] as number;
        sum += value;
        squares += value * value;
      }
      const variance = Math.max(0, squares / rows - (sum / rows) ** 2);
      scale[j] = Math.sqrt(WIDTH / CHANNELS.length / channels) / Math.sqrt(variance + 1e-6);
    }
    at += channels;
  }
  return scale;
}

/** Greedy k-center (Sener and Savarese 2018) on random projections, as PatchCore does. */
async function coreset(candidates: FeatureMatrix, random: RandomStream): Promise<Int32Array> {
  const { rows, columns, data } = candidates;
  const size = Math.min(BANK, rows);
  const projection = Float32Array.from({ length: columns * PROJECTED }, () => random.normal());
  const points = new Float32Array(rows * PROJECTED);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const value = data[i * columns + j] as number;
      for (let k = 0; k < PROJECTED; k++)
        points[i * PROJECTED + k] =
          (points[i * PROJECTED + k] as number) + value * (projection[j * PROJECTED + k] as number);
    }
  const nearest = new Float32Array(rows).fill(Number.POSITIVE_INFINITY);
  const chosen = new Int32Array(size);
  let next = random.integer(rows);
  for (let n = 0; n < size; n++) {
    chosen[n] = next;
    let furthest = 0;
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let k = 0; k < PROJECTED; k++)
        sum += ((points[i * PROJECTED + k] as number) - (points[next * PROJECTED + k] as number)) ** 2;
      if (sum < (nearest[i] as number)) nearest[i] = sum;
      if ((nearest[i] as number) > (nearest[furthest] as number)) furthest = i;
    }
    next = furthest;
    if (n % 64 === 0) await new Promise(setImmediate);
  }
  return chosen;
}
