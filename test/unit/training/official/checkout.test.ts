/** Finding the user's checkout of the official trainer. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { SetupError } from '../../../../src/core/errors.js';
import { findCheckout } from '../../../../src/training/official/checkout.js';

const CHECKOUT = path.resolve('test/support/official-checkout');
const VARIABLES = ['GIST_STYLEGAN3_DIR', 'GIST_STYLEGAN3_PYTHON'] as const;
let given: (string | undefined)[];

beforeEach(() => {
  given = VARIABLES.map((name) => process.env[name]);
  for (const name of VARIABLES) delete process.env[name];
});
afterEach(() => {
  VARIABLES.forEach((name, i) => {
    if (given[i] === undefined) delete process.env[name];
    else process.env[name] = given[i];
  });
});

const refused = (says: RegExp) =>
  assert.throws(findCheckout, (error) => error instanceof SetupError && says.test(error.message));

test('it is where the variables say', () => {
  process.env.GIST_STYLEGAN3_DIR = CHECKOUT;
  assert.deepEqual(findCheckout(), {
    folder: CHECKOUT,
    script: path.join(CHECKOUT, 'train.py'),
    python: 'python3',
  });
});

test('no checkout, another folder and a Python that is none are refused by the name of the variable', () => {
  refused(/^GIST_STYLEGAN3_DIR: there is no checkout/);
  process.env.GIST_STYLEGAN3_DIR = path.dirname(CHECKOUT);
  refused(/^GIST_STYLEGAN3_DIR: .*holds no train\.py/);
  process.env.GIST_STYLEGAN3_DIR = CHECKOUT;
  process.env.GIST_STYLEGAN3_PYTHON = '/no/such/python';
  refused(/^GIST_STYLEGAN3_PYTHON: .*cannot be run/);
});
