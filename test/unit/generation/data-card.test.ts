/** The data card of synthetic images. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CardFacts, dataCard } from '../../../src/generation/data-card.js';
import { ANALYSES } from '../../support/report-input.js';

const FACTS: CardFacts = {
  name: 'synthetic set s1',
  card: {},
  images: { count: 480, resolution: 32, channels: 1, classes: [{ name: 'a|b <i>', images: 480 }] },
  generator: {
    checkpoint: 'runs/r/train/c/',
    weights: 'abc',
    cfg: 'stylegan2',
    kimg: 24,
    truncationPsi: 0.7,
    seeds: '0 to 479',
    transferredFrom: null,
  },
  real: { digest: 'd1', train: 480, holdout: 120, classes: [{ name: 'a|b <i>', images: 480 }] },
  selection: null,
  evaluation: null,
  reproduce: 'gist generate --checkpoint runs/r/train/c/ --seeds 0-479',
};

test('the card has all sections, and says what nobody stated or computed', () => {
  const card = dataCard(FACTS);
  assert.deepEqual(
    [...card.matchAll(/^## (.+)$/gm)].map(([, title]) => title),
    [
      'Summary',
      'What it was made from',
      'How it was made',
      'Intended use',
      'Limits',
      'Privacy',
      'Quality',
      'Reproducing and citing',
    ],
  );
  assert.match(card, /\| License \| Not stated: ask the maker/);
  assert.match(card, /No privacy figures were computed/);
  assert.match(card, /0\.7 \(less variety than the generator has\)/);
  assert.doesNotMatch(card, /undefined|null|\n\n\n/);
});

test('text of users keeps its letters, and cannot add cells or markup', () => {
  const card = dataCard({ ...FACTS, card: { license: 'CC0 | <b>free</b>\n# title' } });
  assert.ok(card.includes('| License | CC0 \\| \\<b\\>free\\</b\\> \\# title |'));
  assert.ok(card.includes('a\\|b \\<i\\>: 480'));
});

test('privacy and quality come from the evaluation, beside the values of real images', () => {
  const metrics = {
    'images.synthetic': 480,
    'authenticity_effnetlite0.train': 0.62,
    'authenticity_effnetlite0.train_vs_holdout': 0.71,
    'fd_effnetlite0.holdout': 41.2,
    'fd_effnetlite0.train_vs_holdout': 20.1,
  };
  const intervals = { 'fd_effnetlite0.holdout': { low: 39, high: 44 } };
  const card = dataCard({ ...FACTS, evaluation: { runId: 'r', metrics, intervals, analyses: ANALYSES } });
  const [, privacy = '', quality = ''] = card.split(/^## (?:Privacy|Quality)$/m);
  assert.match(privacy, /No synthetic image is nearer to a training image/);
  assert.match(privacy, /\| Flagged images \| 0\.000; real images: 0\.010 \|/);
  assert.match(privacy, /`authenticity_effnetlite0\.train` \| 0\.62 \| 0\.71 \|/);
  assert.match(quality, /`fd_effnetlite0\.holdout` \| 41\.2 \(39 to 44\) \| 20\.1 \|/);
  assert.match(quality, /Faults of single images: 9 %/);
  assert.doesNotMatch(quality, /nearer to a training image/);
});

test('the card of all images names the rejected ones, that of the others says what they cost', () => {
  const value = (name: string, number: number) => ({ name, title: name, value: number, text: '', digits: 3 });
  const rejection = [
    value('rejected', 7),
    value('recall.all', 0.5),
    value('recall.accepted', 0.4),
    value('coverage.all', 0.9),
    value('coverage.accepted', 0.85),
  ];
  const analyses = ANALYSES.map((result) =>
    result.analysis === 'artifacts' ? { ...result, values: [...result.values, ...rejection] } : result,
  );
  const none = { runId: 'r', metrics: {}, intervals: {}, analyses: ANALYSES };
  assert.match(dataCard({ ...FACTS, evaluation: none }), /No image was selected or removed/);
  const evaluation = { ...none, analyses };
  const all = dataCard({ ...FACTS, evaluation });
  assert.match(all, /run `r` rejects 7 images.*part of this set; a second set is without them/);
  const selection = { from: 'runs/r/generate/s1/', rejectAbove: 0.99, images: 500, judged: 480, rejected: 7 };
  const accepted = dataCard({ ...FACTS, selection, evaluation });
  assert.match(accepted, /of 480 images of `runs\/r\/generate\/s1\/`, 7 are more unusual than 99 %/);
  assert.match(accepted, /20 more were not judged/);
  assert.match(accepted, /recall of unseen real images is 0\.400; of all images it was 0\.500/);
  assert.match(accepted, /coverage of unseen real images is 0\.850; of all images it was 0\.900/);
  assert.match(accepted, /## Quality\n.*These values are those of all 480 images/s);
  assert.doesNotMatch(accepted, /No image was selected/);
});

test('of imported weights nothing is claimed about the images behind them', () => {
  const card = dataCard({ ...FACTS, real: null });
  assert.match(card, /Nothing is recorded of the images that the generator was trained on/);
  assert.doesNotMatch(card, /holds no names/);
});
