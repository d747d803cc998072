/** Progress of one stage of a run, as numbers and text. */
import type { LiveProgress } from '../client/index.js';
import type { Stage } from '../spec/pipeline.js';
import { duration } from './terminal.js';

/** Progress of one stage. */
interface StageView {
  done: number;
  total: number;
  text: string;
}

/** Progress of a stage in its own unit: images, shards, kimg. */
export function stageView(progress: LiveProgress, stage: Stage): StageView {
  const state = progress.stages[stage];
  if (state === 'done' || state === 'reused') return { done: 1, total: 1, text: state };
  if (state !== 'running') return { done: 0, total: 1, text: state === 'waiting' ? 'waiting' : 'skipped' };
  if (stage === 'train' && progress.train) return trainView(progress, progress.train);
  const units = `${progress.done}/${progress.total || '?'} ${progress.unit}`;
  return {
    done: progress.done,
    total: Math.max(1, progress.total),
    text: progress.waiting ? `${units}, ${progress.waiting.brief}` : units,
  };
}

function trainView(
  { live, state, waiting, status }: LiveProgress,
  train: NonNullable<LiveProgress['train']>,
): StageView {
  const kimg = Math.max(live?.kimg ?? 0, train.kimg);
  const rate = live?.imagesPerSecond ?? 0;
  const parts = [`${kimg.toFixed(2)}/${train.targetKimg} kimg`];
  if (status !== 'running') parts.push(status);
  else if (state === 'pausing' || state === 'paused') parts.push(state);
  else if (rate > 0)
    parts.push(`${rate.toFixed(1)} images/s`, `${duration((1000 * (train.targetKimg - kimg)) / rate)} left`);
  else if (waiting) parts.push(waiting.brief);
  else if (kimg >= train.targetKimg) parts.push('evaluating the last snapshot');
  else parts.push(live?.operation ?? 'starting the trainer');
  const point = train.curve.at(-1);
  if (point) parts.push(`${point.metric} ${point.value.toFixed(1)} at ${point.kimg} kimg`);
  return { done: kimg, total: train.targetKimg, text: parts.join(', ') };
}
