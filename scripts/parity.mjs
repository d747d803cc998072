/**
 * `npm run parity -- networks|metrics|dicom FOLDER`: compares the networks, features and metrics,
 * or the DICOM reader with cases of another implementation.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setUpOrExit } from './setup.mjs';

const USAGE = `usage: npm run parity -- networks FOLDER (of NAME.json, NAME.weights.safetensors, NAME.expected.safetensors)
       npm run parity -- metrics FOLDER (of case.json, features.safetensors, NAME.expected.safetensors, NAME.expected.json)
       npm run parity -- dicom FOLDER (of DICOM files and expected.json)
`;
const SUBJECTS = { networks: compareNetworks, metrics: compareMetrics, dicom: compareDicom };
const MISMATCH = 1;
const USAGE_ERROR = 2;

const [subject, folder, ...rest] = process.argv.slice(2);
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

async function compareMetrics(cases) {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const { agrees, formatParity, METRIC_CASES, runMetricParity } = await import(
    '../dist/test/support/metric-parity.js'
  );
  const files = readdirSync(cases);
  if (!METRIC_CASES.some((file) => files.includes(file)))
    end(`${path.resolve(cases)} contains none of ${METRIC_CASES.join(', ')}.\n`, USAGE_ERROR);
  let isEqual = true;
  for await (const line of runMetricParity(cases)) {
    process.stdout.write(`${formatParity(line)}\n`);
    isEqual &&= agrees(line);
  }
  return isEqual ? 0 : MISMATCH;
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
