/** Metrics in StyleGAN3's own format. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { officialLines } from '../../../src/evaluation/official-lines.js';

test('each official metric has a file of lines, for the snapshots and the checkpoint that was evaluated', () => {
  const files = officialLines({
    metrics: {
      'fid50k_full.train': 12.5,
      'fid50k_full.holdout': 14,
      'pr50k3_full.train.precision': 0.5,
      'pr50k3_full.train.recall': 0.25,
      'is50k.synthetic': 2,
      'is50k.synthetic.spread': 0.1,
      'kid50k_full.train': 0.01,
      'kid50k_full.train.spread': 0.001,
      'eqt50k_int.generator': 61,
      'fd_effnetlite0.train': 9,
    },
    curve: [
      { kimg: 200, metric: 'fid50k_full', value: 30 },
      { kimg: 200, metric: 'fd_effnetlite0', value: 3 },
    ],
    checkpoint: { prefix: 'runs/r/train/checkpoint-400-step9/', kimg: 400, step: 9 },
    timestamp: 1_600_000_000.5,
  });
  const lines = (name: string) =>
    (files[`metric-${name}.jsonl`] as string)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { results: unknown; metric: string; snapshot_pkl: string });
  assert.deepEqual(Object.keys(files).sort(), [
    'metric-eqt50k_int.jsonl',
    'metric-fid50k_full.jsonl',
    'metric-is50k.jsonl',
    'metric-kid50k_full.jsonl',
    'metric-pr50k3_full.jsonl',
  ]);
  assert.deepEqual(
    lines('fid50k_full').map(({ results, snapshot_pkl: snapshot }) => [results, snapshot]),
    [
      [{ fid50k_full: 30 }, 'network-snapshot-000200.pkl'],
      [{ fid50k_full: 12.5 }, 'network-snapshot-000400.pkl'],
    ],
  );
  assert.deepEqual(Object.keys(lines('kid50k_full')[0] ?? {}), [
    'results',
    'metric',
    'total_time',
    'total_time_str',
    'num_gpus',
    'snapshot_pkl',
    'timestamp',
  ]);
  assert.deepEqual(lines('kid50k_full')[0]?.results, { kid50k_full: 0.01 });
  assert.deepEqual(lines('pr50k3_full')[0]?.results, {
    pr50k3_full_precision: 0.5,
    pr50k3_full_recall: 0.25,
  });
  assert.deepEqual(lines('is50k')[0]?.results, { is50k_mean: 2, is50k_std: 0.1 });
});
