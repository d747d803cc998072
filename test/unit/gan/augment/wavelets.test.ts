/** Tests of the filters that augmentation resamples and filters with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterBank, SYM2, SYM6 } from '../../../../src/gan/augment/wavelets.js';

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

for (const [name, taps] of [
  ['sym2', SYM2],
  ['sym6', SYM6],
] as const) {
  test(`${name} is orthonormal to its own translations by two`, () => {
    for (let shift = 0; shift < taps.length; shift += 2) {
      const product = sum(taps.map((tap, k) => tap * (taps[k + shift] ?? 0)));
      assert.ok(Math.abs(product - (shift === 0 ? 1 : 0)) < 1e-9, `shift ${shift}: ${product}`);
    }
  });

  test(`${name} has a high-pass filter that stops polynomials of degrees below half its length`, () => {
    for (let degree = 0; degree < taps.length / 2; degree++) {
      const scale = taps.length ** degree;
      const moment = sum(taps.map((tap, k) => ((-1) ** k * tap * k ** degree) / scale));
      assert.ok(Math.abs(moment) < 1e-8, `degree ${degree}: ${moment}`);
    }
  });
}

test('the four bands add up to the identity', () => {
  const bank = filterBank(SYM2);
  assert.equal(bank.length, 4);
  const middle = ((bank[0]?.length ?? 0) - 1) / 2;
  bank[0]?.forEach((_, k) => {
    const total = sum(bank.map((band) => band[k] ?? Number.NaN));
    assert.ok(Math.abs(total - (k === middle ? 1 : 0)) < 1e-12);
  });
});

test('each band is symmetric and has its largest response at the middle of its frequencies', () => {
  const bank = filterBank(SYM2);
  const response = (band: readonly number[], frequency: number) =>
    sum(band.map((tap, k) => tap * Math.cos(frequency * (k - (band.length - 1) / 2))));
  const middles = [0, (3 * Math.PI) / 16, (3 * Math.PI) / 8, (3 * Math.PI) / 4];
  middles.forEach((frequency, own) => {
    const gains = bank.map((band) => response(band, frequency));
    assert.equal(gains.indexOf(Math.max(...gains)), own);
  });
  for (const band of bank) {
    band.toReversed().forEach((tap, k) => {
      assert.ok(Math.abs(tap - (band[k] as number)) < 1e-15);
    });
  }
});
