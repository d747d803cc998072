/** `npm run parity -- networks FOLDER`: does the numeric code agree with cases that another implementation computed? */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setUpOrExit } from './setup.mjs';

const USAGE =
  'usage: npm run parity -- networks FOLDER (of NAME.json, NAME.weights.safetensors, NAME.expected.safetensors)\n';
const DISAGREES = 1;
const WRONG_USE = 2;

const [subject, folder, ...rest] = process.argv.slice(2);
if (subject !== 'networks' || folder === undefined || rest.length > 0) end(USAGE, WRONG_USE);
checkFolder(folder);
await setUpOrExit();
process.exitCode = await compareNetworks(folder);

async function compareNetworks(cases) {
  // TensorFlow tells of itself on standard error; only its trouble is of interest here.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const { agrees, formatCase, runNetworkParity } = await import('../dist/test/support/network-parity.js');
  const results = [];
  for (const result of runNetworkParity(cases)) {
    process.stdout.write(`${formatCase(result)}\n`);
    results.push(result);
  }
  return agrees(results) ? 0 : DISAGREES;
}

function checkFolder(place) {
  try {
    if (!readdirSync(place).some((name) => name.endsWith('.json')))
      end(`${path.resolve(place)} holds no case (NAME.json).\n`, WRONG_USE);
  } catch (error) {
    const why =
      error.code === 'ENOENT'
        ? 'does not exist'
        : error.code === 'ENOTDIR'
          ? 'is not a folder'
          : `cannot be read (${error.code})`;
    end(`${path.resolve(place)} ${why}.\n${USAGE}`, WRONG_USE);
  }
}

function end(message, code) {
  process.stderr.write(message);
  process.exit(code);
}
