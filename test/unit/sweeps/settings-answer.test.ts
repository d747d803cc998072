/** Which settings are better than the default, which keys matter, and how they are drawn. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { RandomStream } from '../../../src/core/random.js';
import { importanceOfKeys } from '../../../src/sweeps/key-importance.js';
import { parallelCoordinates } from '../../../src/sweeps/parallel-coordinates.js';
import { answerSettings, type SettingSummary } from '../../../src/sweeps/settings-answer.js';
import { summarize } from '../../../src/sweeps/spread.js';

function summary(setting: string, values: number[]): SettingSummary {
  return { setting, label: setting, isDefault: setting === 'default', ...summarize(values) };
}

const answer = (default_: number[], ...others: number[][]) =>
  answerSettings(
    [summary('default', default_), ...others.map((values, i) => summary(`gamma = ${i}`, values))],
    'fd',
    others.length,
  );

test('a setting that is far better than the default is, with the difference and what chance gives', () => {
  const found = answer([20, 21, 22], [10, 11, 12], [19, 20, 23]);
  assert.equal(found.isBetter, true);
  assert.equal(found.best, 'gamma = 0');
  assert.match(found.text, /The best of 2 other settings, gamma = 0, reaches fd 11; the default 21\./);
  assert.match(found.text, /The difference, 10, is more than the spread .* this setting is better/);
});

test('a difference within the spread over seeds is no improvement', () => {
  const found = answer([20, 22, 24], [19, 21, 23], [21, 24, 26]);
  assert.equal(found.isBetter, false);
  assert.match(found.text, /The difference, 1, is not more than the spread over seeds/);
});

test('the best of many equal settings is not better than the default: luck grows with their number', () => {
  const random = new RandomStream(0, 'equal');
  const draw = () => [0, 1, 2].map(() => 20 + random.normal());
  const wrong = Array.from({ length: 40 }, () => answer(draw(), ...Array.from({ length: 20 }, draw)));
  assert.ok(wrong.filter(({ isBetter }) => isBetter).length <= 5, 'at most about 5 %');
  const between = wrong.find(({ gain, spread, isBetter }) => !isBetter && (gain ?? 0) > (spread ?? 0));
  assert.match(
    between?.text ?? '',
    /but not more than what the best of 20 equal settings would show by chance/,
  );
});

test('without repeats, without the default, and where nothing is lower, the answer says so', () => {
  assert.match(answer([20], [10]).text, /The other setting.*may be chance.*Repeats would tell/);
  assert.match(answer([20, 21], [22, 23]).text, /No setting is better than the default/);
  const lonely = answerSettings([summary('gamma = 1', [1, 2])], 'fd', 1);
  assert.match(lonely.text, /the default has finished/);
  assert.equal(lonely.isBetter, false);
});

/** The metric rises with the first key, falls for one name, and one training has diverged. */
function measured(count: number) {
  const random = new RandomStream(1, 'settings');
  return Array.from({ length: count }, (_, i) => {
    const rate = 10 ** (-4 + 2 * random.uniform());
    const values = { rate, square: i % 2 === 0 ? 'pad' : 'crop', noise: random.uniform(), fixed: 1 };
    const metric = 20 + 8 * Math.abs(Math.log10(rate) + 4) + (i % 2) * 3 + random.normal();
    return { values, metric: i === 5 ? 1e6 : metric };
  });
}

test('the key that moves the metric comes first, noise is not told from chance, and few settings tell nothing', () => {
  const [first, second, ...others] =
    importanceOfKeys(measured(40), ['noise', 'square', 'rate', 'fixed']) ?? [];
  assert.deepEqual([first?.key, second?.key], ['rate', 'square']);
  assert.ok((first?.share ?? 0) > 0.5 && (first?.chance ?? 1) < 0.01, JSON.stringify(first));
  assert.ok((others.find(({ key }) => key === 'noise')?.chance ?? 0) > 0.05);
  assert.deepEqual(others.at(-1), { key: 'fixed', share: null, chance: null });
  assert.equal(importanceOfKeys(measured(7), ['rate']), null);
});

test('the drawing has an axis for each key and the metric, and a line for each setting', async () => {
  const settings = measured(12)
    .filter(({ metric }) => metric < 1e6)
    .map(({ values, metric }, i) => ({
      ...{ label: `<setting ${i}>`, metric, isDefault: i === 0 },
      values: { ...values, rate: i === 0 ? 'auto' : values.rate },
    }));
  const options = { metric: 'fd', logarithmic: new Set(['rate']) };
  const svg = parallelCoordinates(settings, ['rate', 'square', 'noise'], options) ?? assert.fail();
  assert.equal(svg.match(/<polyline/g)?.length, settings.length);
  for (const text of [
    '>rate<',
    '>square<',
    '>pad<',
    '>auto<',
    '>fd<',
    'lower is better',
    '&lt;setting 0&gt;',
  ])
    assert.ok(svg.includes(text), text);
  assert.ok(!/NaN|undefined/.test(svg));
  const { width = 0 } = await sharp(Buffer.from(svg)).metadata();
  assert.ok(width > 400);
  assert.equal(parallelCoordinates(settings.slice(0, 1), ['rate'], options), null);
});
