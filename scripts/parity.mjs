/**
 * `npm run parity -- networks|dicom FOLDER`: compares the networks, or the DICOM reader, with cases
 * of another implementation.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setUpOrExit } from './setup.mjs';

const USAGE = `usage: npm run parity -- networks FOLDER (of NAME.json, NAME.weights.safetensors, NAME.expected.safetensors)
       npm run parity -- dicom FOLDER (of DICOM files and expected.json)
`;
const MISMATCH = 1;
const USAGE_ERROR = 2;

const [subject, folder, ...rest] = process.argv.slice(2);
const SUBJECTS = { networks: compareNetworks, dicom: compareDicom };
if (!Object.hasOwn(SUBJECTS, subject ?? '') || folder === undefined || rest.length > 0)
  end(USAGE, USAGE_ERROR);
checkFolder(folder);
await setUpOrExit();
process.exitCode = await SUBJECTS[subject](folder);

async function compareNetworks(cases) {
  // Suppresses information messages of TensorFlow on standard error.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const { agrees, formatCase, runNetworkParity } = await import('../dist/test/support/network-parity.js');
  const results = [];
  for (const result of runNetworkParity(cases)) {
    process.stdout.write(`${formatCase(result)}\n`);
    results.push(result);
  }
  return agrees(results) ? 0 : MISMATCH;
}

async function compareDicom(cases) {
  const { dicomAgrees, formatFile, runDicomParity } = await import('../dist/test/support/dicom-parity.js');
  let results;
  try {
    results = await runDicomParity(cases);
  } catch (error) {
    end(`${path.resolve(cases)} has no usable expected.json: ${error.message}\n`, USAGE_ERROR);
  }
  for (const result of results) process.stdout.write(`${formatFile(result)}\n`);
  return dicomAgrees(results) ? 0 : MISMATCH;
}

function checkFolder(place) {
  try {
    if (!readdirSync(place).some((name) => name.endsWith('.json')))
      end(`${path.resolve(place)} contains no case (NAME.json).\n`, USAGE_ERROR);
  } catch (error) {
    const reason =
      error.code === 'ENOENT'
        ? 'does not exist'
        : error.code === 'ENOTDIR'
          ? 'is not a folder'
          : `cannot be read (${error.code})`;
    end(`${path.resolve(place)} ${reason}.\n${USAGE}`, USAGE_ERROR);
  }
}

function end(message, code) {
  process.stderr.write(message);
  process.exit(code);
}
