/** TensorFlow's library prints nothing on a user's screen while it is loaded and used. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const SCRIPT = `
const { tf } = await import(${JSON.stringify(new URL('../../../src/nn/tensorflow.js', import.meta.url).href)});
process.stdout.write(String(tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync()[0]));
process.stderr.write('own line\\n');
`;

test('loading the library prints nothing, and standard error works afterwards', () => {
  const { TF_CPP_MIN_LOG_LEVEL: _, ...env } = process.env;
  const words = ['--input-type=module', '-e', SCRIPT];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '3');
  assert.equal(stderr, 'own line\n');
});
